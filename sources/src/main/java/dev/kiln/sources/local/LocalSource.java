package dev.kiln.sources.local;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.PatternMatcher;
import dev.kiln.model.StepProgress;
import dev.kiln.session.ClientSession;
import dev.kiln.session.FileSync;
import dev.kiln.session.Sessions;
import dev.kiln.session.tree.ReceiveOptions;
import dev.kiln.sources.Material;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceContext;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.MutableRef;
import dev.kiln.store.RecordType;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import dev.kiln.store.Sharing;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * A folder that a client lends. The daemon keeps the last copy of each and has only what changed
 * sent; content checksums follow while files arrive. Its key holds for one session only: reuse
 * between builds comes from the content of what is taken from it.
 */
public final class LocalSource implements Source {
  private static final Duration WAIT = Duration.ofSeconds(5);
  private static final long SHOW_EVERY = Duration.ofMillis(100).toNanos();
  private final LocalId id;
  private final Sessions sessions;
  private final Refs refs;

  public LocalSource(SourceOp op, Sessions sessions, Refs refs) {
    this.id = LocalId.of(op);
    this.sessions = sessions;
    this.refs = refs;
  }

  @Override
  public SourceKey key(int index, SourceContext context) {
    String session = id.sessionId();
    if (session.isEmpty()) {
      session =
          context.sessionIds().stream()
              .findFirst()
              .orElseThrow(() ->
                  new BuildException(Kind.INVALID, "could not access local files without session"));
    }
    Digest digest = id.digest(session);
    return new SourceKey("session:" + id.name() + ":" + digest, digest.value(), true);
  }

  @Override
  public Optional<RefId> snapshot(SourceContext context) throws IOException, InterruptedException {
    if (id.sessionId().isEmpty()) {
      return ofAny(context);
    }
    ClientSession session;
    try {
      session = sessions.get(id.sessionId(), WAIT);
    } catch (BuildException e) {
      return ofAny(context);
    }
    try {
      return receive(session, context);
    } catch (BuildException e) {
      // The client is there, but does not lend this folder: another one of the build may.
      if (e.kind() == Kind.NOT_FOUND || e.kind() == Kind.UNSUPPORTED) {
        return ofAny(context);
      }
      throw e;
    }
  }

  private Optional<RefId> ofAny(SourceContext context) throws InterruptedException {
    return sessions
        .group(context::sessionIds)
        .any(session -> {
          try {
            return receive(session, context);
          } catch (IOException e) {
            throw BuildException.of(e);
          }
        });
  }

  private Optional<RefId> receive(ClientSession session, SourceContext context)
      throws IOException, InterruptedException {
    String key =
        "local:"
            + id.name()
            + ":"
            + id.sharedKeyHint()
            + ":"
            + session.sharedKey()
            + (id.metadataOnly() ? ":metadata" : "");
    RefOptions options =
        RefOptions.of("local source for " + id.name()).withType(RecordType.SOURCE_LOCAL);
    boolean received = false;
    try (MutableRef copy =
        refs.claim(context.lease(), key, Optional.empty(), Sharing.PRIVATE, options)) {
      try (StepProgress.Part part = context.progress().part("transferring " + id.name() + ":")) {
        var summary =
            FileSync.receive(
                session,
                new FileSync.Request(
                    id.name(),
                    id.includes().orElse(List.of()),
                    id.excludes().orElse(List.of()),
                    id.followPaths().orElse(List.of())),
                copy.mount(),
                receiveOptions(session, new ContentHashes(copy.hashes()), part));
        part.update(summary.bytesReceived(), 0);
        RefId frozen = copy.freeze().id();
        received = true;
        return Optional.of(frozen);
      } finally {
        if (!received) {
          copy.discard(); // files and checksums are in no known state
        }
      }
    }
  }

  private ReceiveOptions receiveOptions(
      ClientSession session, ContentHashes hashes, StepProgress.Part part) {
    ReceiveOptions options =
        ReceiveOptions.MIRROR
            .withTrustMetadata(id.trustMetadata())
            // All clients without a shared key, such as buildctl, have one copy of a name.
            .withKnownFolder(!session.sharedKey().isEmpty())
            .withChanges(hashes)
            .withReceived(new Shown(part));
    if (!id.metadataOnly()) {
      return options;
    }
    PatternMatcher inFull = PatternMatcher.of(id.exceptions().orElse(List.of()));
    return options.withOnlyMetadata(entry -> inFull.matches(entry.path().toString()));
  }

  /** Shows the count now and then, and the last one at the end. Called by one thread. */
  private static final class Shown implements LongConsumer {
    private final StepProgress.Part part;
    private long next = System.nanoTime();

    Shown(StepProgress.Part part) {
      this.part = part;
    }

    @Override
    public void accept(long bytes) {
      long now = System.nanoTime();
      if (now - next >= 0) {
        next = now + SHOW_EVERY;
        part.update(bytes, 0);
      }
    }
  }

  @Override
  public Material material() {
    return new Material.Local(id.name());
  }
}
