package dev.kiln.remotecache;

import com.azure.core.http.HttpClient;
import com.azure.core.http.jdk.httpclient.JdkHttpClientBuilder;
import com.azure.core.util.Context;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.blob.models.BlobErrorCode;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRange;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.blob.models.ParallelTransferOptions;
import com.azure.storage.blob.options.BlobInputStreamOptions;
import com.azure.storage.blob.options.BlobParallelUploadOptions;
import com.azure.storage.common.StorageSharedKeyCredential;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Azure Blob Storage. Any thread. It holds no connection while nothing is asked, so nobody closes
 * it. (BuildKit v0.22.0, {@code cache/remotecache/azblob}.)
 */
final class AzureStore implements ObjectStore {
  private static final Duration SHORT = Duration.ofSeconds(60);
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final long CHUNK_BYTES = 32L << 20;
  private static final int CHUNKS_AT_ONCE = 4;

  private final BlobContainerClient container;
  private final String host;

  private AzureStore(BlobContainerClient container, String host) {
    this.container = container;
    this.host = host;
  }

  /** Opens the store and makes its container where it is missing. */
  static ObjectStore open(AzureOptions options) {
    HttpClient http = new JdkHttpClientBuilder().build();
    var builder = new BlobServiceClientBuilder().endpoint(options.accountUrl()).httpClient(http);
    if (options.key().isPresent()) {
      builder.credential(
          new StorageSharedKeyCredential(options.accountName(), options.key().get().value()));
    } else {
      builder.credential(new DefaultAzureCredentialBuilder().httpClient(http).build());
    }
    String host = String.valueOf(URI.create(options.accountUrl()).getHost());
    try {
      BlobContainerClient container =
          builder.buildClient().getBlobContainerClient(options.container());
      if (!container.existsWithResponse(SHORT, Context.NONE).getValue()) {
        container.createIfNotExistsWithResponse(null, LONG, Context.NONE);
      }
      return new AzureStore(container, host);
    } catch (RuntimeException e) {
      throw ServiceFailure.of("Azure", host, e).wrap("failed to create container client");
    }
  }

  @Override
  public Optional<Stored> find(String name) throws InterruptedException {
    return unlessMissing(() -> {
      BlobProperties found =
          container
              .getBlobClient(name)
              .getPropertiesWithResponse(null, SHORT, Context.NONE)
              .getValue();
      return new Stored(found.getLastModified().toInstant(), found.getBlobSize());
    });
  }

  @Override
  public void put(String name, long sizeBytes, Opener from)
      throws IOException, InterruptedException {
    try (InputStream in = from.open()) {
      var chunks =
          new ParallelTransferOptions()
              .setBlockSizeLong(CHUNK_BYTES)
              .setMaxSingleUploadSizeLong(CHUNK_BYTES)
              .setMaxConcurrency(CHUNKS_AT_ONCE);
      asked(() ->
          container
              .getBlobClient(name)
              .uploadWithResponse(
                  new BlobParallelUploadOptions(in).setParallelTransferOptions(chunks),
                  LONG,
                  Context.NONE));
    }
  }

  @Override
  public Optional<InputStream> open(String name, long offset) throws InterruptedException {
    return unlessMissing(() ->
        container
            .getBlobClient(name)
            .openInputStream(
                new BlobInputStreamOptions()
                    .setRange(new BlobRange(offset))
                    .setBlockSize((int) (CHUNK_BYTES / CHUNKS_AT_ONCE))));
  }

  @Override
  public void touch(String name, Stored object) throws InterruptedException {
    asked(() -> {
      container.getBlobClient(name).setMetadata(Map.of("updated_at", Instant.now().toString()));
      return true;
    });
  }

  private <T> Optional<T> unlessMissing(Supplier<T> call) throws InterruptedException {
    return asked(() -> {
      try {
        return Optional.of(call.get());
      } catch (BlobStorageException e) {
        // The answer to a question for the properties alone has no body, and so no code.
        if (BlobErrorCode.BLOB_NOT_FOUND.equals(e.getErrorCode()) || e.getStatusCode() == 404) {
          return Optional.empty();
        }
        throw e;
      }
    });
  }

  private <T> T asked(Supplier<T> call) throws InterruptedException {
    try {
      return call.get();
    } catch (RuntimeException e) {
      if (ServiceFailure.isInterrupt(e)) {
        throw ServiceFailure.interrupted(e);
      }
      throw ServiceFailure.of("Azure", host, e);
    }
  }
}
