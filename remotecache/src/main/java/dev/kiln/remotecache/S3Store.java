package dev.kiln.remotecache;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.MetadataDirective;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

/**
 * Amazon S3, and what speaks its protocol. Any thread. It holds no thread and no connection while
 * nothing is asked, so nobody closes it. (BuildKit v0.22.0, {@code cache/remotecache/s3/s3.go}.)
 */
final class S3Store implements ObjectStore {
  /** Larger objects are sent in parts. */
  private static final long PART_BYTES = 64L << 20;

  /** The most that one copy takes (S3 API, CopyObject). */
  private static final long COPY_BYTES = 5L << 30;

  private final S3Client client;
  private final String bucket;
  private final String host;

  private S3Store(S3Client client, String bucket, String host) {
    this.client = client;
    this.bucket = bucket;
    this.host = host;
  }

  /** Opens the store; nothing is asked yet. */
  static ObjectStore open(S3Options options) {
    var builder =
        S3Client.builder()
            .region(Region.of(options.region()))
            .credentialsProvider(credentials(options))
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .serviceConfiguration(
                S3Configuration.builder()
                    .chunkedEncodingEnabled(false) // not every service that is like S3 reads it
                    .pathStyleAccessEnabled(options.endpoint().isPresent() && options.pathStyle())
                    .build())
            .httpClientBuilder(UrlConnectionHttpClient.builder());
    options.endpoint().ifPresent(uri -> builder.endpointOverride(uri));
    String host =
        options.endpoint().map(URI::getHost).orElse("s3." + options.region() + ".amazonaws.com");
    return new S3Store(builder.build(), options.bucket(), host);
  }

  private static AwsCredentialsProvider credentials(S3Options options) {
    if (options.keys().isEmpty()) {
      return DefaultCredentialsProvider.builder().build();
    }
    S3Options.Keys keys = options.keys().get();
    AwsCredentials fixed =
        keys.sessionToken().isEmpty()
            ? AwsBasicCredentials.create(keys.id(), keys.secret())
            : AwsSessionCredentials.create(keys.id(), keys.secret(), keys.sessionToken());
    return StaticCredentialsProvider.create(fixed);
  }

  @Override
  public Optional<Stored> find(String name) throws InterruptedException {
    return asked(() -> {
      try {
        HeadObjectResponse head = client.headObject(r -> r.bucket(bucket).key(name));
        return Optional.of(new Stored(head.lastModified(), head.contentLength()));
      } catch (NoSuchKeyException e) {
        return Optional.empty();
      }
    });
  }

  @Override
  public void put(String name, long sizeBytes, Opener from)
      throws IOException, InterruptedException {
    if (sizeBytes <= PART_BYTES) {
      asked(() -> client.putObject(r -> r.bucket(bucket).key(name), body(from, 0, sizeBytes)));
      return;
    }
    inParts(
        name,
        sizeBytes,
        PART_BYTES,
        (upload, number, offset, length) ->
            client
                .uploadPart(
                    r -> r.bucket(bucket).key(name).uploadId(upload).partNumber(number),
                    body(from, offset, length))
                .eTag());
  }

  private static RequestBody body(Opener from, long offset, long length) {
    return RequestBody.fromContentProvider(
        () -> {
          try {
            InputStream in = from.open();
            in.skipNBytes(offset);
            return new Part(in, length);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AbortedException.create("interrupted", e);
          }
        },
        length,
        "application/octet-stream");
  }

  /** The next bytes of a stream, and no more. One thread. */
  private static final class Part extends FilterInputStream {
    private long left;

    Part(InputStream in, long length) {
      super(in);
      left = length;
    }

    @Override
    public int read() throws IOException {
      int b = left == 0 ? -1 : super.read();
      left -= b < 0 ? 0 : 1;
      return b;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int n = super.read(to, offset, (int) Math.min(length, left));
      left -= Math.max(0, n);
      return n;
    }

    @Override
    public boolean markSupported() {
      return false; // a retry opens the stream again
    }
  }

  private interface PartWriter {
    /** Writes one part and answers its tag. */
    String write(String upload, int number, long offset, long length);
  }

  private void inParts(String name, long sizeBytes, long partBytes, PartWriter writer)
      throws InterruptedException {
    String upload =
        asked(() -> client.createMultipartUpload(r -> r.bucket(bucket).key(name)).uploadId());
    boolean complete = false;
    try {
      List<CompletedPart> parts = new ArrayList<>();
      for (long offset = 0; offset < sizeBytes; offset += partBytes) {
        int number = parts.size() + 1;
        long from = offset;
        long length = Math.min(partBytes, sizeBytes - offset);
        String tag = asked(() -> writer.write(upload, number, from, length));
        parts.add(CompletedPart.builder().partNumber(number).eTag(tag).build());
      }
      asked(() ->
          client.completeMultipartUpload(r ->
              r.bucket(bucket).key(name).uploadId(upload).multipartUpload(m -> m.parts(parts))));
      complete = true;
    } finally {
      if (!complete) {
        asked(() -> client.abortMultipartUpload(r -> r.bucket(bucket).key(name).uploadId(upload)));
      }
    }
  }

  @Override
  public Optional<InputStream> open(String name, long offset) throws InterruptedException {
    return asked(() -> {
      try {
        return Optional.of(
            client.getObject(r -> {
              r.bucket(bucket).key(name);
              if (offset > 0) {
                r.range("bytes=" + offset + "-");
              }
            }));
      } catch (NoSuchKeyException e) {
        return Optional.empty();
      }
    });
  }

  /** An object copied onto itself is a new one for the store's own rules of keeping. */
  @Override
  public void touch(String name, Stored object) throws InterruptedException {
    if (object.sizeBytes() < COPY_BYTES) {
      asked(() ->
          client.copyObject(r ->
              r.sourceBucket(bucket)
                  .sourceKey(name)
                  .destinationBucket(bucket)
                  .destinationKey(name)
                  .metadata(Map.of("updated-at", Instant.now().toString()))
                  .metadataDirective(MetadataDirective.REPLACE)));
      return;
    }
    inParts(
        name,
        object.sizeBytes(),
        COPY_BYTES,
        (upload, number, offset, length) ->
            client
                .uploadPartCopy(r ->
                    r.sourceBucket(bucket)
                        .sourceKey(name)
                        .copySourceRange("bytes=" + offset + "-" + (offset + length - 1))
                        .destinationBucket(bucket)
                        .destinationKey(name)
                        .uploadId(upload)
                        .partNumber(number))
                .copyPartResult()
                .eTag());
  }

  private <T> T asked(Supplier<T> call) throws InterruptedException {
    try {
      return call.get();
    } catch (SdkException e) {
      if (ServiceFailure.isInterrupt(e) || e instanceof AbortedException) {
        throw ServiceFailure.interrupted(e);
      }
      throw ServiceFailure.of("S3", host, e);
    }
  }
}
