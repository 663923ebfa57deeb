package dev.kiln.registry;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One attempt at one blob: the mirrors in their order, then the host itself, until one has given
 * what the digest says. Whatever is wrong with one, the next is asked; what a connection brought
 * before it broke is kept. Confined to one thread; blocks.
 */
final class Download {
  private static final Pattern MEDIA_TYPE =
      Pattern.compile(
          "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}");

  private static final int BUFFER = 128 << 10;

  /** What a blob may have whose size nobody states. */
  private static final long UNSTATED = 8L << 20;

  private final ImageRef ref;
  private final Descriptor blob;
  private final List<Exchange> exchanges;
  private final long most;
  private boolean sinkFailed;

  /**
   * @param exchanges with the hosts, in order
   * @param most blobs may have so many bytes
   */
  Download(ImageRef ref, Descriptor blob, List<Exchange> exchanges, long most) {
    this.ref = ref;
    this.blob = blob;
    this.exchanges = exchanges;
    this.most = most;
    if (blob.sizeBytes() > most) {
      throw tooLarge(blob.sizeBytes() + " bytes by its descriptor, ", most);
    }
  }

  private BuildException tooLarge(String is, long limit) {
    return new BuildException(
        Kind.INVALID,
        "rejecting "
            + blob.digest()
            + " of "
            + ref
            + ": "
            + is
            + "more than the "
            + limit
            + " bytes that it may have");
  }

  /** All of it is in {@code sink} after this. */
  void into(Registry.BlobSink sink) throws IOException, InterruptedException {
    var failures = new ArrayList<Exception>();
    for (Exchange exchange : exchanges) {
      try {
        boolean begun = sink.written() > 0;
        Digest got = complete(exchange, sink);
        if (begun && !got.equals(blob.digest())) {
          got = complete(exchange, sink); // what another host had begun may be what is wrong
        }
        if (got.equals(blob.digest())) {
          return;
        }
        throw new BuildException(
            Kind.UNKNOWN,
            "failed commit on ref \""
                + blob.digest()
                + "\": "
                + exchange.endpoint().host()
                + " sent other content: unexpected commit digest "
                + got
                + ", expected "
                + blob.digest());
      } catch (IOException | BuildException e) {
        if (sinkFailed || isCanceled(e)) {
          throw e;
        }
        failures.add(e);
      }
    }
    throw foremost(failures);
  }

  /** The digest of the whole blob; where it is another one, what came is forgotten. */
  private Digest complete(Exchange exchange, Registry.BlobSink sink)
      throws IOException, InterruptedException {
    long offset = sink.written();
    if (blob.sizeBytes() == 0 || offset < blob.sizeBytes()) {
      read(exchange, offset, sink);
    }
    if (sink.written() < blob.sizeBytes()) {
      throw new IOException(
          exchange.endpoint().host()
              + " sent "
              + sink.written()
              + " of "
              + blob.sizeBytes()
              + " bytes: unexpected EOF");
    }
    Digest got = sink.digest();
    if (!got.equals(blob.digest())) {
      sink.reset();
    }
    return got;
  }

  private void read(Exchange exchange, long offset, Registry.BlobSink sink)
      throws IOException, InterruptedException {
    boolean manifest =
        MediaTypes.isManifest(blob.mediaType()) || MediaTypes.isIndex(blob.mediaType());
    String thing = (manifest ? "manifests/" : "blobs/") + blob.digest();
    URI uri = exchange.endpoint().uri(ref.domain(), ref.path(), thing, "");
    HttpResponse<InputStream> response = exchange.run(uri, b -> prepare(b, offset));
    if (response.statusCode() > 299) {
      throw exchange.failure(response);
    }
    long limit = limit(response, offset);
    byte[] buffer = new byte[Math.clamp(limit, 0, BUFFER - 1) + 1]; // never none: it would not end
    try (InputStream in = response.body()) {
      skipTo(offset, response);
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (sink.written() + n > limit) {
          sink.reset();
          throw tooLarge(exchange.endpoint().host() + " sends ", limit);
        }
        write(sink, buffer, n);
      }
    }
  }

  private void prepare(HttpRequest.Builder request, long offset) {
    boolean sendable = MEDIA_TYPE.matcher(blob.mediaType()).matches();
    request.GET().header("Accept", sendable ? blob.mediaType() + ", */*" : "*/*");
    if (offset > 0) {
      request.header("Range", "bytes=" + offset + "-");
    }
  }

  private void write(Registry.BlobSink sink, byte[] bytes, int length) throws IOException {
    try {
      sink.write(bytes, 0, length);
    } catch (IOException | RuntimeException e) {
      sinkFailed = true;
      throw BuildException.of(e); // no other host would help
    }
  }

  /** A descriptor without a size leaves it to the answer, and that has to say it. */
  private long limit(HttpResponse<?> response, long offset) {
    if (blob.sizeBytes() > 0) {
      return blob.sizeBytes();
    }
    long declared = Registry.contentLength(response).orElse(UNSTATED);
    return Math.min(most, response.statusCode() == 206 ? offset + declared : declared);
  }

  /** Not every server that takes a range header honours it. */
  private static void skipTo(long offset, HttpResponse<InputStream> response) throws IOException {
    Optional<String> range = response.headers().firstValue("Content-Range");
    if (offset > 0 && range.isEmpty()) {
      response.body().skipNBytes(offset);
    } else if (offset > 0 && !range.get().startsWith("bytes " + offset + "-")) {
      throw new IOException("unhandled content range in response: " + Locations.shown(range.get()));
    }
  }

  private static boolean isCanceled(Exception e) {
    return Thread.currentThread().isInterrupted()
        || e instanceof BuildException b && b.kind() == Kind.CANCELED;
  }

  /**
   * What may pass when tried again; else what says more than that a host does not have it: of the
   * host itself before its mirrors.
   */
  private IOException foremost(List<Exception> failures) throws IOException {
    for (Exception failure : failures.reversed()) {
      if (failure instanceof IOException e && Retries.mayPass(e)) {
        return e;
      }
    }
    for (Exception failure : failures.reversed()) {
      switch (failure) {
        case UnexpectedStatus s when s.status() == 404 -> {}
        case IOException e -> throw e;
        case BuildException e -> throw e;
        default -> throw new AssertionError(failure);
      }
    }
    throw new BuildException(
        Kind.NOT_FOUND,
        "could not fetch content descriptor "
            + blob.digest()
            + " ("
            + Locations.shown(blob.mediaType())
            + ") from remote: not found",
        failures.getFirst());
  }
}
