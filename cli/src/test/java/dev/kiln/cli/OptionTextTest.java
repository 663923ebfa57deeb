package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.cli.lend.Lent;
import dev.kiln.model.BuildException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptionTextTest {
  @TempDir Path temp;

  @Test
  void quotedValuesKeepTheirCommas() {
    assertThat(OptionText.pairs("type=image,\"name=a,b\",x=\"y\"\"z\""))
        .containsExactly(
            Map.entry("type", "image"), Map.entry("name", "a,b"), Map.entry("x", "y\"z"));
  }

  @Test
  void outputsKnowWhereTheyGo() {
    assertThat(OptionText.output("out"))
        .isEqualTo(new Output("local", Map.of(), new Output.Target.Directory(Path.of("out"))));
    assertThat(OptionText.output("-").target()).isEqualTo(new Output.Target.StandardOutput());
    assertThat(OptionText.output("type=oci,dest=i.tar,name=x"))
        .isEqualTo(
            new Output("oci", Map.of("name", "x"), new Output.Target.File(Path.of("i.tar"))));
    assertThat(OptionText.output("type=registry,name=x"))
        .isEqualTo(
            new Output("image", Map.of("name", "x", "push", "true"), new Output.Target.Nowhere()));
  }

  @Test
  void outputsWithoutATypeOrDestinationAreRefused() {
    assertThatThrownBy(() -> OptionText.output("dest=x"))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("type=");
    assertThatThrownBy(() -> OptionText.output("type=tar"))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("dest=FILE");
  }

  @Test
  void secretsComeFromFilesOrTheEnvironment() throws Exception {
    Path file = Files.writeString(temp.resolve("s"), "x");
    assertThat(OptionText.secret("id=a,src=" + file).getValue())
        .isEqualTo(new Lent.SecretSource.InFile(file));
    assertThat(OptionText.secret("id=a,env=HOME").getValue())
        .isEqualTo(new Lent.SecretSource.InEnvironment("HOME"));
    assertThat(OptionText.secret("id=PATH").getValue())
        .isEqualTo(new Lent.SecretSource.InEnvironment("PATH"));
    assertThatThrownBy(() -> OptionText.secret("id=a,src=" + temp.resolve("missing")))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("--secret id=a,src=" + temp.resolve("missing"))
        .hasMessageContaining("no such file");
  }

  @Test
  void wrongCommandLinesExitWithTwo() {
    assertThat(KilnCommand.run("build", "--no-such-flag")).isEqualTo(2);
    assertThat(KilnCommand.run("build", temp.resolve("missing").toString(), "--addr", "unix:///x"))
        .isEqualTo(2);
  }
}
