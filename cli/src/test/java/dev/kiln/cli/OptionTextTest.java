package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.cli.lend.Lent;
import dev.kiln.model.BuildException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptionTextTest {
  @TempDir Path temp;

  private final List<String> notes = new ArrayList<>();

  @Test
  void quotedValuesKeepTheirCommas() {
    assertThat(OptionText.pairs("--output", "type=image,\"name=a,b\",x=\"y\"\"z\""))
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
    assertThat(OptionText.secret("id=a,src=" + file, notes::add).getValue())
        .isEqualTo(new Lent.SecretSource.InFile(file));
    assertThat(OptionText.secret("id=a,env=HOME", notes::add).getValue())
        .isEqualTo(new Lent.SecretSource.InEnvironment("HOME"));
    assertThat(OptionText.secret("id=PATH", notes::add).getValue())
        .isEqualTo(new Lent.SecretSource.InEnvironment("PATH"));
    assertThatThrownBy(() -> OptionText.secret("id=a,src=" + temp.resolve("missing"), notes::add))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("--secret id=a,src=" + temp.resolve("missing"))
        .hasMessageContaining("no such file");
  }

  @Test
  void aSecretThatIsNotAsAskedForIsToldOf() throws Exception {
    assertThat(OptionText.secret("id=a,env=KILN_UNSET", notes::add).getValue())
        .isEqualTo(new Lent.SecretSource.InEnvironment("KILN_UNSET"));
    assertThat(notes)
        .containsExactly("--secret id=a: the variable KILN_UNSET is not set, so it is empty");
    assertThatThrownBy(() -> OptionText.secret("id=a,file=x", notes::add))
        .hasMessage("--secret 'id=a,file=x': no 'file' is known, only id, src and env");
    assertThatThrownBy(() -> OptionText.secret("id=a,type=vault", notes::add))
        .hasMessage("--secret 'id=a,type=vault': the type is file or env");
    Path large = Files.write(temp.resolve("large"), new byte[512_001]);
    assertThatThrownBy(() -> OptionText.secret("id=a,src=" + large, notes::add))
        .hasMessageContaining(large + ": it has more than 512000 bytes");
  }

  @Test
  void whatIsNotUnderstoodIsNamedWithItsFlag() {
    assertThatThrownBy(() -> OptionText.secret("token", notes::add))
        .hasMessage("--secret 'token': 'token' is not key=value");
    assertThatThrownBy(() -> OptionText.output("type=tar,out"))
        .hasMessage("--output 'type=tar,out': 'out' is not key=value");
    assertThatThrownBy(() -> OptionText.argument("--build-arg", "=x"))
        .hasMessage("--build-arg =x: the name before '=' is missing");
  }

  @Test
  void theErrorOfAWrongCommandLineIsTheLastThingToSee() {
    assertThat(saidBy("build", "--no-such-flag"))
        .contains("error: Unknown option: '--no-such-flag'")
        .endsWith("; `kiln build --help` shows the options");
    assertThat(saidBy("build", "--adr", "unix:///x")).contains("--addr");
    assertThat(saidBy("build", ".", "other")).contains("error: ").doesNotContain("Usage:");
    assertThat(saidBy()).endsWith("build or daemon; `kiln --help` shows the options");
  }

  @Test
  void tagsThatAreNoNamesAndPushesWithoutANameAreRefused() throws Exception {
    Files.createFile(temp.resolve("Dockerfile"));
    String context = temp.toString();
    assertThat(saidBy("build", context, "-t", "UPPER"))
        .contains("error: --tag UPPER: ")
        .contains("must be lowercase");
    assertThat(saidBy("build", context, "-t", "a:b:c")).contains("--tag a:b:c: ");
    assertThat(saidBy("build", context, "-o", "type=image,push=true"))
        .contains("error: --output 'type=image,push=true' needs name=NAME, or --tag NAME");
    assertThat(saidBy("build", context, "-o", "type=registry")).contains("needs name=NAME");
  }

  private static String saidBy(String... args) {
    PrintStream before = System.err;
    var said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      assertThat(KilnCommand.run(args)).isEqualTo(2);
    } finally {
      System.setErr(before);
    }
    return said.toString(StandardCharsets.UTF_8).strip();
  }

  @Test
  void wrongCommandLinesExitWithTwo() {
    assertThat(KilnCommand.run("build", "--no-such-flag")).isEqualTo(2);
    assertThat(KilnCommand.run("build", temp.resolve("missing").toString(), "--addr", "unix:///x"))
        .isEqualTo(2);
  }
}
