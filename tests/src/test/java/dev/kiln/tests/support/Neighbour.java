package dev.kiln.tests.support;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Distribution.Run;
import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;

/** A user of the same daemon, who does nothing wrong. */
public record Neighbour(Buildctl client, Path context) {
  /**
   * @param folder for what is built
   */
  public static Neighbour of(Distribution daemon, Path folder)
      throws IOException, InterruptedException {
    return new Neighbour(
        Buildctl.of(daemon), Buildctl.context(folder, "FROM scratch\nARG N\nCOPY Dockerfile /f\n"));
  }

  /** Another build each time, which has to succeed. */
  public void builds() throws IOException, InterruptedException {
    Run run =
        Distribution.await(client.build(context, "--opt=build-arg:N=" + UUID.randomUUID()).start());
    assertThat(run.code()).as(run.output()).isZero();
  }
}
