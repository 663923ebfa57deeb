package dev.kiln.sources.image;

import dev.kiln.model.Descriptor;
import dev.kiln.model.ImageRef;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.store.content.ContentStore;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Images in registries. Any thread. */
public final class RegistryOrigin implements ImageOrigin {
  private final Registry registry;
  private final Function<List<String>, Credentials> credentials;

  /**
   * @param credentials who answers for a list of sessions
   */
  public RegistryOrigin(Registry registry, Function<List<String>, Credentials> credentials) {
    this.registry = registry;
    this.credentials = credentials;
  }

  @Override
  public Descriptor resolve(ImageRef ref, List<String> sessions, StepProgress progress) {
    return registry.resolve(ref, credentials.apply(sessions), line -> log(progress, line));
  }

  @Override
  public byte[] small(ImageRef ref, Descriptor blob, List<String> sessions, StepProgress progress) {
    return registry.small(ref, blob, credentials.apply(sessions), line -> log(progress, line));
  }

  @Override
  public void fetch(
      ImageRef ref,
      Descriptor blob,
      List<String> sessions,
      ContentStore into,
      StepProgress progress)
      throws InterruptedException {
    BlobTransfer.run(
        blob,
        into,
        progress,
        sink ->
            registry.download(
                ref, blob, credentials.apply(sessions), sink, line -> log(progress, line)));
  }

  @Override
  public boolean isReachable(List<String> sessions) {
    return credentials.apply(sessions).isReachable();
  }

  private static void log(StepProgress progress, String line) {
    progress.log(2, line.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public Optional<String> repository(ImageRef ref) {
    return Optional.of(ref.repository());
  }
}
