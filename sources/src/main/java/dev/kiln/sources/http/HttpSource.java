package dev.kiln.sources.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.registry.WebClient;
import dev.kiln.session.Secrets;
import dev.kiln.session.Sessions;
import dev.kiln.session.Upload;
import dev.kiln.sources.Material;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceContext;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.tracing.Redaction;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.GZIPInputStream;

/**
 * One file over HTTP. Without a checksum the key needs the content, which a server that knows
 * entity tags need not send again. (BuildKit v0.22 {@code source/http/source.go}.)
 */
public final class HttpSource implements Source {
  private static final int LONGEST_TAG = 1024;
  private final HttpId id;
  private final WebClient web;
  private final Sessions sessions;
  private final Refs refs;
  private final String userAgent;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Optional<Found> found = Optional.empty();

  public HttpSource(SourceOp op, WebClient web, Sessions sessions, Refs refs, String userAgent) {
    this.id = HttpId.of(op);
    this.web = web;
    this.sessions = sessions;
    this.refs = refs;
    this.userAgent = userAgent;
  }

  /** The content that the key stands for, and where it is if it is here. */
  private record Found(Digest content, String name, String lastModified, Optional<RefId> ref) {}

  /** A download that is still here. */
  private record Kept(RefId ref, String etag, Digest content, String lastModified) {
    String json() {
      return GoJson.object()
          .text("etag", etag)
          .text("content", content.value())
          .text("modified", lastModified)
          .toString();
    }

    static Optional<Kept> of(Refs.Indexed indexed) {
      try {
        JsonNode json = Json.parse(indexed.value());
        return Optional.of(
            new Kept(
                indexed.id(),
                json.path("etag").asText(""),
                new Digest(json.path("content").asText("")),
                json.path("modified").asText("")));
      } catch (Json.Malformed | IllegalArgumentException e) {
        return Optional.empty(); // written by another version
      }
    }
  }

  @Override
  public SourceKey key(int index, SourceContext context) throws IOException, InterruptedException {
    if (id.checksum().isPresent()) {
      Digest checksum = id.checksum().get();
      return new SourceKey(id.cacheKey(id.name(""), checksum, "").value(), checksum.value(), true);
    }
    lock.lockInterruptibly();
    try {
      Found now = found.isPresent() ? found.get() : find(context);
      found = Optional.of(now);
      return new SourceKey(
          id.cacheKey(now.name(), now.content(), now.lastModified()).value(),
          now.content().value(),
          true);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<RefId> snapshot(SourceContext context) throws IOException, InterruptedException {
    lock.lockInterruptibly();
    try {
      Optional<RefId> here = found.flatMap(Found::ref);
      if (here.isPresent()) {
        try {
          return Optional.of(refs.get(context.lease(), here.get()).id());
        } catch (BuildException e) {
          if (e.kind() != Kind.NOT_FOUND) {
            throw e;
          } // pruned meanwhile
        }
      }
      Found again = download(request(context), context);
      Digest expected = id.checksum().or(() -> found.map(Found::content)).orElse(again.content());
      if (!again.content().equals(expected)) {
        throw new BuildException(
            Kind.INVALID, "digest mismatch " + again.content() + ": " + expected);
      }
      return again.ref();
    } finally {
      lock.unlock();
    }
  }

  /** Headers of a request that is under way, without the secret one. */
  private record Request(Map<String, String> headers, Optional<String> authorization) {
    Request with(String name, String value) {
      var all = new LinkedHashMap<>(headers);
      all.put(name, value);
      return new Request(all, authorization);
    }

    @Override
    public String toString() {
      return "Request" + headers;
    }
  }

  private Request request(SourceContext context) throws InterruptedException {
    Optional<String> authorization = Optional.empty();
    if (!id.authSecret().isEmpty()) {
      try {
        byte[] secret = Secrets.get(sessions.group(context::sessionIds), id.authSecret());
        authorization = Optional.of(sendable(new String(secret, StandardCharsets.UTF_8)));
      } catch (BuildException e) {
        throw e.wrap("failed to retrieve HTTP auth secret " + id.authSecret());
      }
    }
    Optional<String> user = Optional.ofNullable(URI.create(id.url()).getUserInfo());
    if (authorization.isEmpty() && user.isPresent()) {
      byte[] pair = user.get().getBytes(StandardCharsets.UTF_8);
      authorization = Optional.of("Basic " + Base64.getEncoder().encodeToString(pair));
    }
    var headers = new LinkedHashMap<String, String>();
    headers.put("User-Agent", userAgent);
    id.headers().forEach(h -> headers.put(h.name(), h.value()));
    return new Request(headers, authorization);
  }

  private static String sendable(String secret) {
    if (!secret.chars().allMatch(HttpSource::isSendable)) {
      throw new BuildException(
          Kind.INVALID, "it has characters that a header may not have, such as a line break");
    }
    return secret;
  }

  private static boolean isSendable(int character) {
    return character >= ' ' && character < 127 || character == '\t';
  }

  private HttpResponse<InputStream> send(String method, Request request)
      throws IOException, InterruptedException {
    return web.send(
        URI.create(id.url()),
        () -> {
          HttpRequest.Builder b =
              HttpRequest.newBuilder().method(method, HttpRequest.BodyPublishers.noBody());
          request.headers().forEach(b::header);
          // The tag of a compressed answer may be another one: always ask for the same.
          return b.header("Accept-Encoding", "gzip");
        },
        request.authorization());
  }

  private boolean fromSession() {
    return URI.create(id.url()).getHost() instanceof String host && host.equals(Upload.HOST);
  }

  private Found find(SourceContext context) throws IOException, InterruptedException {
    Request request = request(context);
    Map<String, Kept> byTag = fromSession() ? Map.of() : kept(context);
    if (byTag.isEmpty()) {
      return download(request, context);
    }
    Request conditional = request.with("If-None-Match", String.join(", ", byTag.keySet()));
    Optional<String> onlyTag =
        byTag.size() == 1 ? byTag.keySet().stream().findFirst() : Optional.empty();
    // Some servers send tags but do not compare them: look at the tag before asking for the body.
    Optional<Found> unchanged = unchanged(conditional, byTag, onlyTag);
    return unchanged.isPresent()
        ? unchanged.get()
        : download(send("GET", conditional), byTag, onlyTag, context);
  }

  private Optional<Found> unchanged(
      Request conditional, Map<String, Kept> byTag, Optional<String> onlyTag)
      throws InterruptedException {
    try {
      HttpResponse<InputStream> head = send("HEAD", conditional);
      head.body().close();
      int status = head.statusCode();
      return status == 200 || status == 304
          ? Optional.ofNullable(byTag.get(tag(head, onlyTag))).map(k -> found(k, head))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // the GET will tell
    }
  }

  private Found found(Kept kept, HttpResponse<?> response) {
    return new Found(kept.content(), name(response), kept.lastModified(), Optional.of(kept.ref()));
  }

  private String name(HttpResponse<?> response) {
    return id.name(header(response, "Content-Disposition"));
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  /** Weak tags count as strong; a server that was asked for one tag may leave it out. */
  private static String tag(HttpResponse<?> response, Optional<String> onlyTag) {
    String tag = header(response, "ETag");
    if (tag.isEmpty() && response.statusCode() == 304) {
      return onlyTag.orElse("");
    }
    return tag.startsWith("W/") ? tag.substring(2) : tag;
  }

  /** Tags go back to the server in one header. */
  private static boolean isKept(String etag) {
    return !etag.isEmpty()
        && etag.length() <= LONGEST_TAG
        && etag.chars().allMatch(HttpSource::isSendable);
  }

  private Map<String, Kept> kept(SourceContext context) {
    var byTag = new LinkedHashMap<String, Kept>();
    for (Refs.Indexed indexed : refs.indexed(id.indexKey())) {
      Kept.of(indexed)
          .filter(k -> isKept(k.etag()) && !byTag.containsKey(k.etag()))
          .filter(k -> isHere(k.ref(), context))
          .ifPresent(k -> byTag.put(k.etag(), k));
    }
    return byTag;
  }

  private boolean isHere(RefId ref, SourceContext context) {
    try {
      refs.get(context.lease(), ref);
      return true;
    } catch (BuildException e) {
      return false;
    }
  }

  private Found download(Request request, SourceContext context)
      throws IOException, InterruptedException {
    if (fromSession()) {
      return sessions
          .group(context::sessionIds)
          .any(session ->
              save(
                  new Arrived(id.name(""), "", ""),
                  to -> Upload.pull(session, URI.create(id.url()), to),
                  context));
    }
    return download(send("GET", request), Map.of(), Optional.empty(), context);
  }

  private Found download(
      HttpResponse<InputStream> response,
      Map<String, Kept> byTag,
      Optional<String> onlyTag,
      SourceContext context)
      throws IOException, InterruptedException {
    try (InputStream body = response.body()) {
      int status = response.statusCode();
      if (status < 200 || status >= 400) {
        throw new BuildException(Kind.UNKNOWN, "invalid response status " + status);
      }
      String tag = tag(response, onlyTag);
      if (status == 304) {
        Kept kept = byTag.get(tag);
        if (kept == null) {
          throw new BuildException(Kind.UNKNOWN, "invalid not-modified ETag: " + tag);
        }
        return found(kept, response);
      }
      boolean zipped = header(response, "Content-Encoding").equalsIgnoreCase("gzip");
      var arrived = new Arrived(name(response), tag, header(response, "Last-Modified"));
      return save(
          arrived,
          to -> {
            try (InputStream in = zipped ? new GZIPInputStream(body) : body) {
              in.transferTo(to);
            }
          },
          context);
    }
  }

  private record Arrived(String name, String etag, String lastModified) {}

  private interface Content {
    void to(OutputStream file) throws IOException, InterruptedException;
  }

  private Found save(Arrived arrived, Content content, SourceContext context)
      throws InterruptedException {
    try (ActiveRef active =
        refs.create(
            context.lease(),
            Optional.empty(),
            RefOptions.of("http url " + Redaction.forOperators(id.url())),
            context.progress())) {
      Digest digest = write(active, arrived, content);
      RefId ref = active.commit().id();
      if (isKept(arrived.etag())) {
        var kept = new Kept(ref, arrived.etag(), digest, arrived.lastModified());
        refs.index(ref, id.indexKey(), kept.json());
      }
      return new Found(digest, arrived.name(), arrived.lastModified(), Optional.of(ref));
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw new BuildException(Kind.CANCELED, "context canceled", e);
      }
      throw BuildException.of(e);
    }
  }

  private Digest write(ActiveRef active, Arrived arrived, Content content)
      throws IOException, InterruptedException {
    MessageDigest hash = Digest.sha256();
    // A name cannot lead out of the root.
    BytePath path = BytePath.of(FilePaths.clean("/" + arrived.name()).substring(1));
    try (Fd root = Fd.directory(active.mount());
        Fd file = root.create(path, 0600)) {
      OutputStream out =
          new java.io.BufferedOutputStream(file.output(), 1 << 16) {
            @Override
            public void close() throws IOException {
              flush(); // the descriptor is ours
            }
          };
      try (var counted = new DigestOutputStream(out, hash)) {
        content.to(counted);
      }
      file.chown((int) id.uid(), (int) id.gid());
      file.chmod(id.mode() == 0 ? 0600 : (int) id.mode() & 0777);
      file.utimes(
          HttpDates.parse(arrived.lastModified()).orElse(Instant.EPOCH).getEpochSecond(), 0);
    }
    return Digest.ofHash(hash.digest());
  }

  @Override
  public Material material() {
    return new Material.Http(
        Redaction.of(id.url()), id.checksum().or(() -> found.map(Found::content)));
  }
}
