package dev.kiln.sources.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Expected values were made by BuildKit v0.22's code. */
class LocalIdTest {
  private static LocalId id(Map<String, String> attrs) {
    return LocalId.of(new SourceOp("local://ctx", attrs));
  }

  @Test
  void keyTellsAbsentListsFromEmptyOnes() {
    assertThat(id(Map.of()).digest("s1"))
        .hasToString("sha256:ef2f51baf279a921df0799bb085582e12e05bdd626adf83f2e79794528894965");
    assertThat(
            id(Map.of(
                    "local.includepattern", "[\"a&b\",\"**/ü\"]",
                    "local.excludepatterns", "[]",
                    "local.followpaths", "[\"x\"]",
                    "local.metadatatransfer", "true",
                    "local.metadatatransferexclude", "[\"y\"]"))
                .digest("s1"))
        .hasToString("sha256:c445d89b2ac05d47322e3b3867b2e29e784a7bde176e6512a13231dda90c83f4");
  }

  @Test
  void prefixOfTheSessionBecomesPartOfTheName() {
    LocalId id = id(Map.of("local.session", "one:abc"));
    assertThat(id.name()).isEqualTo("one-ctx");
    assertThat(id.sessionId()).isEqualTo("abc");
  }

  @Test
  void malformedAttributesAreRefused() {
    assertThatThrownBy(() -> id(Map.of("local.followpaths", "x")))
        .hasMessageContaining("local.followpaths");
    assertThatThrownBy(() -> id(Map.of("local.metadatatransfer", "x")))
        .hasMessageContaining("local.metadatatransfer");
  }
}
