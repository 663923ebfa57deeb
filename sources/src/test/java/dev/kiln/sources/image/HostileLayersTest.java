package dev.kiln.sources.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.ImageRef;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.registry.RegistryHosts;
import dev.kiln.registry.hostile.Fault;
import dev.kiln.registry.hostile.HostileRegistry;
import dev.kiln.registry.hostile.HostileServer;
import dev.kiln.sources.SourceFixture;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Of what is not what it should be, nothing stays in the store. */
@Timeout(30)
class HostileLayersTest {
  @TempDir Path temp;
  private SourceFixture fixture;

  @BeforeEach
  void open() throws Exception {
    fixture = new SourceFixture(temp.resolve("store"));
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private void assertNothingIsKept() throws Exception {
    fixture.store().content().walk(blob -> assertThat(blob).as("a blob that is kept").isNull());
    try (var files = Files.walk(temp)) {
      assertThat(files.filter(Files::isRegularFile).filter(f -> f.toString().contains("ingest")))
          .isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ENDLESS_BODY", "LONGER_BODY", "OTHER_CONTENT", "UNAUTHORIZED_FOR_EVER"})
  void aLayerThatIsNotItsDescriptorsIsNotKept(Fault fault) throws Exception {
    try (var server = HostileRegistry.start(HostileRegistry.Stage.LAYER, fault);
        var registry = new Registry(RegistryHosts.DEFAULT, "test")) {
      var origin = new RegistryOrigin(registry, _ -> Credentials.ANONYMOUS);
      ImageRef ref = ImageRef.parse(server.host() + "/a/b:v1");
      assertThatThrownBy(() ->
              origin.fetch(
                  ref, server.layer(), List.of(), fixture.store().content(), StepProgress.NONE))
          .isInstanceOf(BuildException.class)
          .hasMessageContaining("127.0.0.1:");
    }
    assertNothingIsKept();
  }

  @Test
  void aFileThatIsCutIsToldSo() throws Exception {
    try (var server =
        HostileServer.start((_, wire) -> {
          wire.head(200, "Content-Length: 1000");
          wire.bytes("some".getBytes(StandardCharsets.UTF_8));
        })) {
      var source = fixture.open("http://" + server.host() + "/file", Map.of());
      assertThatThrownBy(() -> source.key(0, fixture.context()))
          .isInstanceOf(BuildException.class)
          .hasMessageContaining(server.host())
          .hasMessageContaining("unexpected EOF");
    }
  }
}
