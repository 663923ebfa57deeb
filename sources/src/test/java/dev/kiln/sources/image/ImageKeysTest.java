package dev.kiln.sources.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import dev.kiln.store.RecordType;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Expected values were made by BuildKit v0.22's code. */
class ImageKeysTest {
  private static final Digest INDEX = Digest.of("index");

  @Test
  void theKeyIsWhatWasAskedFor() {
    assertThat(
            ImageSource.manifestKey(INDEX, new Platform("linux", "amd64", ""), OptionalInt.empty()))
        .hasToString("sha256:47371dce95ac35045b3993ef49947ee226496374833b7da77bc20ab9debca469");
    assertThat(
            ImageSource.manifestKey(
                INDEX,
                new Platform("linux", "arm", "v7", "1.2<3", List.of("a", "b")),
                OptionalInt.of(2)))
        .hasToString("sha256:b2272a3be2f5a561ae161ce6b361782a5e65ae2d7e6b2f685d0400dff0985107");
  }

  @Test
  void attributesAreChecked() {
    var id =
        ImageId.ofImage(
            new SourceOp(
                "docker-image://localhost:5000/a/b:v1@" + INDEX,
                Map.of("image.recordtype", "internal", "image.layerlimit", "3")));
    assertThat(id.ref().domain()).isEqualTo("localhost:5000");
    assertThat(id.ref().path()).isEqualTo("a/b");
    assertThat(id.ref().tag()).contains("v1");
    assertThat(id.ref().digest()).isEqualTo(Optional.of(INDEX));
    assertThat(id.recordType()).isEqualTo(RecordType.INTERNAL);
    assertThat(id.layerLimit()).hasValue(3);
    assertThat(ImageId.ofImage(op("docker-image://alpine/x:1", Map.of())).ref().domain())
        .isEqualTo("alpine");
    refused("docker-image://host/x:1", Map.of("image.layerlimit", "0"), "invalid layer limit 0");
    refused("docker-image://host/x:1", Map.of("image.recordtype", "z"), "invalid record type z");
    refused("docker-image://host/x:1", Map.of("image.resolvemode", "z"), "invalid resolvemode: z");
    refused("docker-image://host/x", Map.of(), "object required");
    refused("docker-image://alpine:latest", Map.of(), "hostname and object required");
  }

  private static SourceOp op(String identifier, Map<String, String> attrs) {
    return new SourceOp(identifier, attrs);
  }

  private static void refused(String identifier, Map<String, String> attrs, String message) {
    assertThatThrownBy(() -> ImageId.ofImage(op(identifier, attrs)))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining(message);
  }
}
