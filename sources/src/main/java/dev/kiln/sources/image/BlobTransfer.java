package dev.kiln.sources.image;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Registry;
import dev.kiln.store.content.ContentStore;
import dev.kiln.tracing.Traced;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Writes one blob into the content store and shows how far it is. Confined to one thread. */
public final class BlobTransfer implements Registry.BlobSink {
  private static final long SHOW_EVERY = Duration.ofMillis(100).toNanos();
  private static final AttributeKey<String> DIGEST = AttributeKey.stringKey("blob.digest");
  private static final AttributeKey<Long> SIZE = AttributeKey.longKey("blob.size");
  private final Descriptor blob;
  private final ContentStore.BlobWriter writer;
  private final StepProgress.Part part;
  private long shown = System.nanoTime() - SHOW_EVERY;

  private BlobTransfer(Descriptor blob, ContentStore.BlobWriter writer, StepProgress.Part part) {
    this.blob = blob;
    this.writer = writer;
    this.part = part;
  }

  /** Brings the bytes. */
  public interface Bring {
    void into(BlobTransfer transfer) throws IOException, InterruptedException;
  }

  /** Runs {@code bring} unless the blob is there, or another caller has just brought it. */
  public static void run(Descriptor blob, ContentStore into, StepProgress progress, Bring bring)
      throws InterruptedException {
    if (into.contains(blob.digest())) {
      return;
    }
    Traced.run(
        "pull",
        Attributes.of(DIGEST, blob.digest().value(), SIZE, blob.sizeBytes()),
        () -> {
          pull(blob, into, progress, bring);
          return true;
        });
  }

  private static void pull(Descriptor blob, ContentStore into, StepProgress progress, Bring bring)
      throws InterruptedException {
    try (ContentStore.BlobWriter writer = into.writer(blob.digest().value())) {
      if (into.contains(blob.digest())) {
        return;
      }
      try (StepProgress.Part part = progress.part(blob.digest().value())) {
        bring.into(new BlobTransfer(blob, writer, part));
        part.update(writer.offset(), Math.max(blob.sizeBytes(), writer.offset()));
        writer.commit(
            Optional.of(blob.digest()), blob.sizeBytes() > 0 ? blob.sizeBytes() : writer.offset());
      }
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public long written() {
    return writer.offset();
  }

  @Override
  public Digest digest() {
    return writer.digest();
  }

  @Override
  public void reset() throws IOException {
    writer.reset();
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (blob.sizeBytes() > 0 && writer.offset() + length > blob.sizeBytes()) {
      throw new BuildException(
          Kind.INVALID,
          blob.digest() + " has more than the " + blob.sizeBytes() + " bytes of its descriptor");
    }
    writer.write(bytes, offset, length);
    long now = System.nanoTime();
    if (now - shown >= SHOW_EVERY) {
      shown = now;
      part.update(writer.offset(), blob.sizeBytes());
    }
  }
}
