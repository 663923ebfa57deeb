package dev.kiln.remotecache;

import com.azure.core.http.HttpClient;
import com.azure.core.util.Context;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobClientBuilder;
import com.azure.storage.blob.models.BlobErrorCode;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRange;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.blob.models.ParallelTransferOptions;
import com.azure.storage.blob.options.BlobInputStreamOptions;
import com.azure.storage.blob.options.BlobParallelUploadOptions;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * One blob of Azure Blob Storage. Any thread; calls block.
 *
 * @param host named where a call fails
 * @param chunkBytes sent in one request; four are under way at once
 * @param uploadTime that an upload may take
 */
record AzureBlob(BlobClient client, String host, long chunkBytes, Duration uploadTime) {
  private static final Duration SHORT = Duration.ofSeconds(60);
  private static final int CHUNKS_AT_ONCE = 4;
  private static final int READ_BYTES = 8 << 20;

  /** The blob at an address that carries the right to it in its query. */
  static AzureBlob signed(URI address, HttpClient http, long chunkBytes, Duration uploadTime) {
    String text = address.toString();
    int query = text.indexOf('?');
    if (query < 0) {
      throw new BuildException(Kind.UNKNOWN, "an address of a blob without the right to it");
    }
    BlobClient client =
        new BlobClientBuilder()
            .endpoint(text.substring(0, query))
            .sasToken(text.substring(query + 1))
            .httpClient(http)
            .buildClient();
    return new AzureBlob(client, String.valueOf(address.getHost()), chunkBytes, uploadTime);
  }

  Optional<ObjectStore.Stored> find() throws InterruptedException {
    return unlessMissing(() -> {
      BlobProperties found = client.getPropertiesWithResponse(null, SHORT, Context.NONE).getValue();
      return new ObjectStore.Stored(found.getLastModified().toInstant(), found.getBlobSize());
    });
  }

  void put(ObjectStore.Opener from) throws IOException, InterruptedException {
    try (InputStream in = from.open()) {
      var chunks =
          new ParallelTransferOptions()
              .setBlockSizeLong(chunkBytes)
              .setMaxSingleUploadSizeLong(chunkBytes)
              .setMaxConcurrency(CHUNKS_AT_ONCE);
      asked(() ->
          client.uploadWithResponse(
              new BlobParallelUploadOptions(in).setParallelTransferOptions(chunks),
              uploadTime,
              Context.NONE));
    }
  }

  Optional<InputStream> open(long offset) throws InterruptedException {
    return unlessMissing(() ->
        client.openInputStream(
            new BlobInputStreamOptions().setRange(new BlobRange(offset)).setBlockSize(READ_BYTES)));
  }

  void tag(Map<String, String> metadata) throws InterruptedException {
    asked(() -> {
      client.setMetadata(metadata);
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

  /** Without the client: its address may be a right. */
  @Override
  public String toString() {
    return "AzureBlob[" + host + "]";
  }
}
