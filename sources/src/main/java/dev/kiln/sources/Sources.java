package dev.kiln.sources;

import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SourceOp;
import dev.kiln.llb.SourceRewrite;
import dev.kiln.model.BuildException;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Registry;
import dev.kiln.registry.WebClient;
import dev.kiln.session.ClientAuth;
import dev.kiln.session.Sessions;
import dev.kiln.sources.git.GitSource;
import dev.kiln.sources.http.HttpSource;
import dev.kiln.sources.image.ImageId;
import dev.kiln.sources.image.ImageLoader;
import dev.kiln.sources.image.ImageSource;
import dev.kiln.sources.image.LayoutOrigin;
import dev.kiln.sources.image.RegistryOrigin;
import dev.kiln.sources.local.LocalSource;
import dev.kiln.store.Store;
import java.io.IOException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The daemon's sources by scheme. Any thread; {@link #close} ends connections to web servers and
 * lets go of recently read manifests.
 */
public final class Sources implements AutoCloseable {
  private final Platform defaultPlatform;
  private final Store store;
  private final Sessions sessions;
  private final String userAgent;
  private final WebClient web = new WebClient();
  private final ImageLoader registryImages;
  private final RecentBlobs recent;

  /**
   * @param registry stays the caller's to close
   * @param userAgent as which files are asked for over HTTP
   */
  public Sources(
      Store store,
      Sessions sessions,
      ClientAuth auth,
      Registry registry,
      Platform defaultPlatform,
      String userAgent) {
    this.store = store;
    this.sessions = sessions;
    this.defaultPlatform = defaultPlatform;
    this.userAgent = userAgent;
    this.registryImages =
        new ImageLoader(
            new RegistryOrigin(registry, ids -> new SessionCredentials(auth, sessions.group(ids))),
            store.content());
    this.recent = new RecentBlobs(store.leases(), Clock.systemUTC());
  }

  /**
   * The source that the op names; nothing is asked yet.
   *
   * @throws BuildException {@code INVALID} for malformed identifiers and attributes, {@code
   *     NOT_FOUND} for unknown schemes
   */
  public Source open(SourceOp op, Optional<Platform> platform) {
    if (!op.identifier().contains("://")) {
      throw new BuildException(Kind.INVALID, "failed to parse " + op.identifier() + ": invalid");
    }
    Platform on = platform.orElse(defaultPlatform);
    return switch (op.scheme()) {
      case "docker-image" ->
          new ImageSource(ImageId.ofImage(op), on, false, registryImages, store.refs());
      case "oci-layout" ->
          new ImageSource(ImageId.ofLayout(op), on, true, layoutImages(op), store.refs());
      case "local" -> new LocalSource(op, sessions, store.refs());
      case "git" -> new GitSource(op, sessions, store.refs());
      case "http", "https" -> new HttpSource(op, web, sessions, store.refs(), userAgent);
      default ->
          throw new BuildException(Kind.NOT_FOUND, "unknown scheme " + op.scheme() + ": not found");
    };
  }

  /**
   * What the policies make of a source, and the configuration of an image.
   *
   * @param resolveMode {@code default}, {@code pull} or {@code local}
   */
  public SourceMeta resolveMeta(
      SourceOp op,
      Optional<Platform> platform,
      String resolveMode,
      SourceRewrite policy,
      List<String> sessionIds,
      StepProgress progress)
      throws IOException, InterruptedException {
    SourceOp allowed;
    try {
      allowed = policy.rewrite(op, platform).orElse(op);
    } catch (BuildException e) {
      throw e.wrap("could not resolve image due to policy");
    }
    return switch (allowed.scheme()) {
      case "docker-image" -> {
        ImageId.checkResolveMode(resolveMode);
        yield image(
            allowed, registryImages, ImageId.ofImage(allowed), platform, sessionIds, progress);
      }
      case "oci-layout" ->
          image(
              allowed,
              layoutImages(allowed),
              ImageId.ofLayout(allowed),
              platform,
              sessionIds,
              progress);
      default -> {
        open(allowed, platform);
        yield new SourceMeta(allowed, Optional.empty());
      }
    };
  }

  private SourceMeta image(
      SourceOp op,
      ImageLoader loader,
      ImageId id,
      Optional<Platform> platform,
      List<String> sessionIds,
      StepProgress progress)
      throws IOException, InterruptedException {
    ImageLoader.Image image =
        loader.load(
            id.ref(), platform.orElse(defaultPlatform), sessionIds, recent.lease(), progress);
    return new SourceMeta(
        op, Optional.of(new ImageMeta(id.text(), image.top().digest(), image.config())));
  }

  private ImageLoader layoutImages(SourceOp op) {
    var origin =
        new LayoutOrigin(
            sessions, op.attr("oci.session").orElse(""), "oci:" + op.attr("oci.store").orElse(""));
    return new ImageLoader(origin, store.content());
  }

  /** As {@link #resolveMeta}, for frontends that want an image by its reference. */
  public ImageMeta resolveImage(
      ImageQuery query, SourceRewrite policy, List<String> sessionIds, StepProgress progress)
      throws IOException, InterruptedException {
    String ref;
    try {
      ref = ImageRef.parseNormalized(query.ref()).toString();
    } catch (BuildException e) {
      throw e.wrap("could not parse reference \"" + query.ref() + "\"");
    }
    Map<String, String> attrs = new HashMap<>();
    query
        .layout()
        .ifPresent(l -> {
          if (!l.sessionId().isEmpty()) {
            attrs.put("oci.session", l.sessionId());
          }
          if (!l.storeId().isEmpty()) {
            attrs.put("oci.store", l.storeId());
          }
        });
    SourceOp op =
        new SourceOp(
            (query.layout().isPresent() ? "oci-layout://" : "docker-image://") + ref, attrs);
    SourceMeta meta;
    try {
      meta = resolveMeta(op, query.platform(), query.resolveMode(), policy, sessionIds, progress);
    } catch (BuildException e) {
      throw e.wrap("failed to resolve source metadata for " + ref);
    }
    return meta.image()
        .orElseThrow(() ->
            new BuildException(
                Kind.INVALID,
                "ref mutated by policy to non-image: docker-image://"
                    + ref
                    + " -> "
                    + meta.op().identifier()));
  }

  /** Lets go of recently read manifests, so that a prune can remove them. */
  public void forgetRecent() {
    recent.forget();
  }

  @Override
  public void close() {
    web.close();
    recent.close();
  }
}
