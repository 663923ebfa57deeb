package dev.kiln.sources.image;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Manifests;
import dev.kiln.session.ClientSession;
import dev.kiln.session.SessionContent;
import dev.kiln.session.SessionGroup;
import dev.kiln.session.Sessions;
import dev.kiln.store.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * An OCI layout that a client lends, by its store's id; references must carry a digest. Any thread.
 * (BuildKit v0.22 {@code source/containerimage/ocilayout.go}.)
 */
public final class LayoutOrigin implements ImageOrigin {
  private static final Duration WAIT = Duration.ofSeconds(5);
  private static final int MANIFEST_LIMIT = 4 << 20;
  private final Sessions sessions;
  private final String sessionId;
  private final String storeId;

  /**
   * @param sessionId the client that has it; empty for any client of the build
   * @param storeId as the client calls it, with its kind: {@code oci:NAME}, {@code local:DIR}
   */
  public LayoutOrigin(Sessions sessions, String sessionId, String storeId) {
    this.sessions = sessions;
    this.sessionId = sessionId;
    this.storeId = storeId;
  }

  private <T> T asked(List<String> ids, SessionGroup.Ask<T> ask) throws InterruptedException {
    return sessionId.isEmpty()
        ? sessions.group(ids).any(ask)
        : ask.of(sessions.get(sessionId, WAIT));
  }

  private SessionContent store(ClientSession session) {
    return new SessionContent(session, storeId);
  }

  @Override
  public Descriptor resolve(ImageRef ref, List<String> ids, StepProgress progress)
      throws InterruptedException {
    Digest digest =
        ref.digest()
            .orElseThrow(() ->
                new BuildException(Kind.INVALID, "reference \"" + ref + "\" must have digest"));
    Optional<SessionContent.Blob> info = asked(ids, session -> store(session).find(digest));
    if (info.isEmpty()) {
      throw new BuildException(
          Kind.NOT_FOUND,
          "unable to get info about digest: content digest " + digest + ": not found");
    }
    byte[] bytes = read(digest, ids);
    String type;
    try {
      type = Manifests.mediaType(bytes);
    } catch (BuildException e) {
      throw e.wrap("reference \"" + ref + "\" contains neither an index nor a manifest");
    }
    return new Descriptor(type, digest, bytes.length); // whatever the store says of it
  }

  @Override
  public byte[] small(ImageRef ref, Descriptor blob, List<String> ids, StepProgress progress)
      throws InterruptedException {
    return read(blob.digest(), ids);
  }

  private byte[] read(Digest digest, List<String> ids) throws InterruptedException {
    byte[] bytes =
        asked(
            ids,
            session -> {
              try (InputStream in = store(session).read(digest, 0)) {
                return in.readNBytes(MANIFEST_LIMIT + 1);
              } catch (IOException e) {
                throw BuildException.of(e).wrap("unable to read root manifest");
              }
            });
    if (bytes.length > MANIFEST_LIMIT || !Digest.of(bytes).equals(digest)) {
      throw new BuildException(
          Kind.INVALID,
          "unexpected digest of blob "
              + digest
              + " in "
              + storeId
              + (bytes.length > MANIFEST_LIMIT ? ": larger than 4 MiB" : ""));
    }
    return bytes;
  }

  @Override
  public void fetch(
      ImageRef ref, Descriptor blob, List<String> ids, ContentStore into, StepProgress progress)
      throws InterruptedException {
    BlobTransfer.run(
        blob, into, progress, sink -> asked(ids, session -> copy(store(session), blob, sink)));
  }

  private static boolean copy(SessionContent from, Descriptor blob, BlobTransfer sink)
      throws InterruptedException {
    // Another client of the build may go on where the last one left.
    try (InputStream in = from.read(blob.digest(), sink.written())) {
      byte[] buffer = new byte[128 << 10];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sink.write(buffer, 0, n);
      }
      return true;
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public boolean isReachable(List<String> ids) {
    return sessions.group(sessionId.isEmpty() ? ids : List.of(sessionId)).isReachable();
  }

  @Override
  public Optional<String> repository(ImageRef ref) {
    return Optional.empty();
  }
}
