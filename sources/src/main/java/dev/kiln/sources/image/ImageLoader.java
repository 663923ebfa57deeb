package dev.kiln.sources.image;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import dev.kiln.model.PlatformMatcher;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Manifests;
import dev.kiln.store.Lease;
import dev.kiln.store.content.ContentStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads what an image is, without its layers: index, manifest for a platform, configuration. What
 * it reads stays in the content store, so that a pinned image needs no registry again. Any thread;
 * blocks.
 */
public final class ImageLoader {
  /** An index within an index within … is somebody's joke. */
  private static final int MAX_DEPTH = 8;

  private final ImageOrigin origin;
  private final ContentStore content;

  public ImageLoader(ImageOrigin origin, ContentStore content) {
    this.origin = origin;
    this.content = content;
  }

  ImageOrigin origin() {
    return origin;
  }

  /**
   * An image for one platform. Immutable.
   *
   * @param top what the reference names: index or manifest; its digest pins the image
   * @param config bytes of the configuration, never written to
   * @param blobs of top, manifest and configuration
   */
  public record Image(
      Descriptor top, Manifests.Manifest manifest, byte[] config, List<Digest> blobs) {
    public Image {
      blobs = List.copyOf(blobs);
    }
  }

  /**
   * @param lease holds the manifests
   * @throws BuildException {@code NOT_FOUND} where there is no such image, or none for the platform
   */
  public Image load(
      ImageRef ref, Platform platform, List<String> sessions, Lease lease, StepProgress progress)
      throws IOException, InterruptedException {
    Descriptor top = resolve(ref, sessions, progress);
    var blobs = new ArrayList<Digest>();
    var reading = new Reading(ref, sessions, lease, progress, blobs);
    Descriptor at = top;
    for (int depth = 0; ; depth++) {
      byte[] bytes = reading.read(at);
      // Registries answer with all sorts of content types; the content knows better.
      String type =
          MediaTypes.isIndex(at.mediaType()) || MediaTypes.isManifest(at.mediaType())
              ? at.mediaType()
              : Manifests.mediaType(bytes);
      if (MediaTypes.isManifest(type)) {
        Manifests.Manifest manifest = Manifests.manifest(bytes);
        byte[] config = reading.read(manifest.config());
        return new Image(top.withMediaType(type), manifest, config, blobs);
      }
      List<Descriptor> fitting =
          PlatformMatcher.only(platform).sorted(Manifests.index(bytes), Descriptor::platform);
      if (fitting.isEmpty() || depth == MAX_DEPTH) {
        throw new BuildException(Kind.NOT_FOUND, "no match for platform in manifest: not found");
      }
      at = fitting.getFirst();
    }
  }

  private Descriptor resolve(ImageRef ref, List<String> sessions, StepProgress progress)
      throws IOException, InterruptedException {
    Optional<Descriptor> pinned = pinned(ref);
    return pinned.isPresent() ? pinned.get() : origin.resolve(ref, sessions, progress);
  }

  /**
   * A digest that is here needs no question, if it came from that very repository: else a digest
   * would open another client's private image.
   */
  private Optional<Descriptor> pinned(ImageRef ref) {
    Optional<String> repository = origin.repository(ref);
    return ref.digest()
        .filter(d -> repository.isPresent() && content.sources(d).contains(repository.get()))
        .flatMap(content::info)
        .map(info -> {
          byte[] bytes = content.read(info.digest());
          return new Descriptor(Manifests.mediaType(bytes), info.digest(), info.sizeBytes());
        });
  }

  /** One image's small blobs, read and kept. */
  private final class Reading {
    private final ImageRef ref;
    private final List<String> sessions;
    private final Lease lease;
    private final StepProgress progress;
    private final List<Digest> blobs;

    Reading(
        ImageRef ref,
        List<String> sessions,
        Lease lease,
        StepProgress progress,
        List<Digest> blobs) {
      this.ref = ref;
      this.sessions = sessions;
      this.lease = lease;
      this.progress = progress;
      this.blobs = blobs;
    }

    byte[] read(Descriptor blob) throws IOException, InterruptedException {
      lease.hold(blob.digest());
      blobs.add(blob.digest());
      byte[] bytes;
      // Reached through a digest in what this client may read: needs no question again.
      if (content.contains(blob.digest())) {
        bytes = content.read(blob.digest());
      } else {
        bytes = origin.small(ref, blob, sessions, progress);
        content.put(blob.mediaType(), bytes);
      }
      origin.repository(ref).ifPresent(r -> content.addSource(blob.digest(), r));
      return bytes;
    }
  }
}
