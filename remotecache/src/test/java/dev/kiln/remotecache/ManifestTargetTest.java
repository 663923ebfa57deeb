package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.StepProgress;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

/** What is said of an export that is under way. */
class ManifestTargetTest {
  @Test
  void aLineIsLoggedAsItIs() {
    var logged = new ArrayList<String>();
    var progress =
        (StepProgress)
            Proxy.newProxyInstance(
                StepProgress.class.getClassLoader(),
                new Class<?>[] {StepProgress.class},
                (_, _, arguments) -> {
                  logged.add(new String((byte[]) arguments[1], StandardCharsets.UTF_8));
                  return null;
                });
    ManifestTarget.log(progress, "retrying in 5s\n");
    assertThat(logged).containsExactly("retrying in 5s\n");
  }
}
