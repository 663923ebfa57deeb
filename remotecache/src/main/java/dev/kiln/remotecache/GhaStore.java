package dev.kiln.remotecache;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * GitHub Actions' cache. Nothing there can be written over: what changes is written anew under its
 * name and a number, and the newest counts. Any thread; nobody closes it. (BuildKit v0.22.0, {@code
 * cache/remotecache/gha/gha.go}.)
 */
final class GhaStore implements ObjectStore {
  private static final Logger LOG = LoggerFactory.getLogger(GhaStore.class);
  private static final Duration RECHECK = Duration.ofSeconds(2);

  /** After so long, whoever has reserved the next number is taken to have crashed. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final GhaService service;
  private final GhaOptions options;
  private final GhaHttp http;
  private final Optional<GhaListing> listing;
  private Optional<Optional<Set<String>>> listed = Optional.empty(); // guarded by this

  private GhaStore(
      GhaService service, GhaOptions options, GhaHttp http, Optional<GhaListing> listing) {
    this.service = service;
    this.options = options;
    this.http = http;
    this.listing = listing;
  }

  /** Opens the store; nothing is asked yet. */
  static ObjectStore open(GhaOptions options, GhaHttp http) {
    return open(options, http, GhaListing.GITHUB);
  }

  static ObjectStore open(GhaOptions options, GhaHttp http, URI api) {
    return new GhaStore(
        options.version() == 1 ? new GhaV1(http, options) : new GhaV2(http, options),
        options,
        http,
        options.listing().map(asked -> new GhaListing(http, api, options, asked)));
  }

  /** A look-up counts as a use, so that what is found has just been touched. */
  @Override
  public Optional<Stored> find(String name) throws InterruptedException {
    Optional<Set<String>> known = listed();
    boolean there = known.isPresent() ? known.get().contains(name) : service.find(name).isPresent();
    return there ? Optional.of(new Stored(http.backoff().now(), 0)) : Optional.empty();
  }

  /** All keys of blobs; empty where they cannot be listed, and each must be asked for. */
  private synchronized Optional<Set<String>> listed() throws InterruptedException {
    if (listed.isEmpty()) {
      Optional<Set<String>> keys = Optional.empty();
      if (listing.isPresent()) {
        try {
          keys = Optional.of(listing.get().keys(GhaOptions.BLOBS));
        } catch (BuildException e) {
          LOG.warn("the repository's caches cannot be listed: {}", e.getMessage());
        }
      }
      listed = Optional.of(keys);
    }
    return listed.get();
  }

  /** Where another build writes the same just now, it is left to that. */
  @Override
  public void put(String name, long sizeBytes, Opener from)
      throws IOException, InterruptedException {
    Optional<GhaService.Reserved> reserved = service.reserve(name);
    if (reserved.isPresent()) {
      write(reserved.get(), sizeBytes, from);
    }
  }

  private void write(GhaService.Reserved to, long sizeBytes, Opener from)
      throws IOException, InterruptedException {
    service.upload(to, from);
    service.commit(to, sizeBytes);
  }

  @Override
  public void replace(String name, byte[] bytes) throws IOException, InterruptedException {
    Optional<GhaService.Reserved> reserved = Optional.empty();
    Duration waited = Duration.ZERO;
    long number = newest(name);
    while (reserved.isEmpty()) {
      number++;
      reserved = service.reserve(name + "#" + number);
      if (reserved.isEmpty() && waited.compareTo(PATIENCE) <= 0) {
        waited = waited.plus(RECHECK);
        http.backoff().pause().pass(RECHECK);
        number = newest(name);
      }
    }
    write(reserved.get(), bytes.length, () -> ManifestTarget.stream(bytes));
  }

  private long newest(String name) throws InterruptedException {
    String prefix = name + "#";
    Optional<String> key = service.find(prefix).map(GhaService.Entry::key);
    if (key.isEmpty()) {
      return 0;
    }
    try {
      return Long.parseLong(key.get().replace(prefix, ""));
    } catch (NumberFormatException e) {
      throw new BuildException(Kind.UNKNOWN, "failed to parse " + key.get() + " index", e);
    }
  }

  @Override
  public Optional<InputStream> open(String name, long offset) throws InterruptedException {
    Optional<GhaService.Entry> found = service.find(name);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    GhaService.Entry entry = found.get();
    return entry.azure()
        ? GhaV2.blob(entry.address(), http).open(offset)
        : Optional.of(http.download(entry.address(), offset));
  }

  @Override
  public void touch(String name, Stored object) {
    throw new IllegalStateException("what is found has just been touched: " + name);
  }

  @Override
  public boolean isReachable() {
    return http.backoff().now().isBefore(options.token().expiresAt());
  }
}
