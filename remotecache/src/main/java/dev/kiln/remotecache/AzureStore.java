package dev.kiln.remotecache;

import com.azure.core.http.HttpClient;
import com.azure.core.http.jdk.httpclient.JdkHttpClientBuilder;
import com.azure.core.util.Context;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.common.StorageSharedKeyCredential;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Azure Blob Storage. Any thread. It holds no connection while nothing is asked, so nobody closes
 * it. (BuildKit v0.22.0, {@code cache/remotecache/azblob}.)
 */
final class AzureStore implements ObjectStore {
  private static final Duration SHORT = Duration.ofSeconds(60);
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final long CHUNK_BYTES = 32L << 20;

  private final BlobContainerClient container;
  private final String host;

  private AzureStore(BlobContainerClient container, String host) {
    this.container = container;
    this.host = host;
  }

  /** Opens the store and makes its container where it is missing. */
  static ObjectStore open(AzureOptions options) {
    HttpClient http = new JdkHttpClientBuilder().build();
    var builder =
        new BlobServiceClientBuilder().endpoint(options.accountUrl().toString()).httpClient(http);
    if (options.key().isPresent()) {
      builder.credential(
          new StorageSharedKeyCredential(options.accountName(), options.key().get().value()));
    } else {
      builder.credential(new DefaultAzureCredentialBuilder().httpClient(http).build());
    }
    String host = options.accountUrl().getHost();
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

  private AzureBlob blob(String name) {
    return new AzureBlob(container.getBlobClient(name), host, CHUNK_BYTES, LONG);
  }

  @Override
  public Optional<Stored> find(String name) throws InterruptedException {
    return blob(name).find();
  }

  @Override
  public void put(String name, long sizeBytes, Opener from)
      throws IOException, InterruptedException {
    blob(name).put(from);
  }

  @Override
  public Optional<InputStream> open(String name, long offset) throws InterruptedException {
    return blob(name).open(offset);
  }

  @Override
  public void touch(String name, Stored object) throws InterruptedException {
    blob(name).tag(Map.of("updated_at", Instant.now().toString()));
  }
}
