package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/** Whatever a registry or its token server answers is understood or refused in words. */
class AnswersFuzzTest {
  @FuzzTest
  void anyAnswerIsReadOrRefused(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    Challenge.parse(List.of(text, "Bearer " + text));
    Scopes.of(List.of(text)).texts();
    Reasons.ofBody(bytes);
    refusing(() -> Manifests.mediaType(bytes));
    refusing(() -> Manifests.manifest(bytes));
    refusing(() -> Manifests.index(bytes));
    refusing(() -> Manifests.config(bytes));
    refusing(() -> {
      Credentials.Token token = TokenServer.token(bytes, "h.io");
      assertThat(token.issued().orElse(Instant.now()).plus(token.life())).isNotNull();
    });
  }

  private interface Reading {
    void run() throws IOException;
  }

  private static void refusing(Reading reading) {
    try {
      reading.run();
    } catch (IOException expected) {
      assertThat(expected.getMessage()).isNotBlank();
    } catch (BuildException expected) {
      assertThat(expected.kind()).isNotEqualTo(Kind.INTERNAL);
      assertThat(expected.getMessage()).isNotBlank();
    }
  }
}
