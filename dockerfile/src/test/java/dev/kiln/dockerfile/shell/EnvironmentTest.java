package dev.kiln.dockerfile.shell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Variables keep their order and values, and share memory. */
class EnvironmentTest {
  private static List<String> entries(Environment of) {
    var all = new ArrayList<String>();
    of.forEachEntry(entry -> all.add(entry.toStringUtf8()));
    return all;
  }

  private static Environment of(int variables) {
    Environment all = Environment.EMPTY;
    for (int i = 0; i < variables; i++) {
      all = all.with("v" + i, "x");
    }
    return all;
  }

  @Test
  void theLastValueCountsAndItsPlace() {
    var random = new Random(1);
    var model = new LinkedHashMap<String, String>();
    Environment environment = Environment.EMPTY;
    for (int i = 0; i < 5_000; i++) {
      String name = "n" + random.nextInt(i % 500 + 1);
      environment = environment.with(name, "" + i);
      model.putLast(name, "" + i);
      if (i % 50 == 0) {
        assertThat(environment.names()).containsExactlyElementsOf(model.keySet());
        assertThat(entries(environment))
            .containsExactlyElementsOf(
                model.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
        assertThat(environment.get(name)).contains("" + i);
        assertThat(environment.get("absent")).isEqualTo(Optional.empty());
      }
    }
  }

  @Test
  void anEnvironmentIsAsItWasWhenOthersAreMadeOfIt() {
    Environment one = of(20);
    Environment two = one.with("v3", "new").with("w", "1");
    assertThat(one.get("v3")).contains("x");
    assertThat(one.has("w")).isFalse();
    assertThat(two.names()).hasSize(21).endsWith("v19", "v3", "w");
  }

  /** Each with a list of its own would be 900 million references. */
  @Test
  @Timeout(60)
  void environmentsShareWhatTheyHaveInCommon() {
    var kept = new ArrayList<Environment>();
    Environment last = of(9_000);
    for (int i = 0; i < 100_000; i++) {
      last = last.with("again", "" + i);
      kept.add(last);
    }
    assertThat(kept.getFirst().get("again")).contains("0");
    assertThat(kept.get(50_000).get("again")).contains("50000");
    assertThat(last.names()).hasSize(9_001);
  }

  @Test
  void tooManyVariablesAreRefused() {
    assertThatThrownBy(() -> of(30_000))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessage("more than 10000 variables are set: use fewer");
  }
}
