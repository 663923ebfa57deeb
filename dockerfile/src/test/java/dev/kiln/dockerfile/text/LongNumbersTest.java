package dev.kiln.dockerfile.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.dockerfile.instruction.RunMount;
import dev.kiln.model.BuildException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Numbers made to be slow are refused at once. */
@Timeout(20)
class LongNumbersTest {
  @Test
  void aDurationOfManyPartsIsReadInLinearTime() {
    assertThat(GoText.parseDuration("1ns".repeat(1_000_000))).hasMillis(1);
    assertThatThrownBy(() -> GoText.parseDuration("1h".repeat(3_000_000)))
        .isInstanceOf(BuildException.class)
        .hasMessageStartingWith("time: invalid duration");
  }

  @Test
  void aDurationOfManyDigitsIsRefused() {
    String digits = "9".repeat(3_000_000);
    assertThatThrownBy(() -> GoText.parseDuration(digits + "s")).isInstanceOf(BuildException.class);
    assertThatThrownBy(() -> GoText.parseDuration("0." + digits + "s"))
        .isInstanceOf(BuildException.class);
    assertThat(GoText.parseDuration("0." + "0".repeat(900) + "1s")).isZero();
  }

  @Test
  void aSizeOfManyDigitsIsRefused() {
    String size = "type=tmpfs,target=/t,size=" + "9".repeat(3_000_000);
    assertThatThrownBy(() -> RunMount.parse(size, UnaryOperator.identity()))
        .isInstanceOf(BuildException.class)
        .hasMessageStartingWith("invalid value for size");
  }
}
