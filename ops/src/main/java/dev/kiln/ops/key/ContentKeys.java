package dev.kiln.ops.key;

import dev.kiln.actors.OpContext;
import dev.kiln.actors.ResultId;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.ops.StoreLeases;
import dev.kiln.store.ContentQuery;
import dev.kiln.store.RefId;
import dev.kiln.store.Refs;
import java.util.Optional;

/** Hashes parts of results for keys by content. Any thread; blocks on the disk. */
public final class ContentKeys {
  private static final Digest EMPTY = Digest.of(new byte[0]);

  private ContentKeys() {}

  /**
   * The checksum of what {@code selector} picks in a result.
   *
   * @throws BuildException naming the ref, as BuildKit does: clients show {@code "/x": not found}
   */
  public static Digest of(
      Refs refs, Optional<ResultId> result, Selector selector, OpContext context)
      throws InterruptedException {
    if (result.isEmpty()) {
      // source: BuildKit v0.22 cache/contenthash/checksum.go
      String path = rooted(selector.path());
      if (path.equals("/")) {
        return EMPTY;
      }
      throw new BuildException(
          Kind.UNKNOWN,
          "failed to calculate checksum of ref : " + path + ": no such file or directory");
    }
    RefId ref = StoreLeases.ref(result.get());
    try {
      return refs.contentHash(ref, query(selector), context.progress());
    } catch (BuildException e) {
      throw e.wrap("failed to calculate checksum of ref " + ref);
    }
  }

  private static ContentQuery query(Selector s) {
    return new ContentQuery(
        rooted(s.path()), s.followLinks(), s.wildcard(), s.includePatterns(), s.excludePatterns());
  }

  /** Go's {@code path.Join("/", p)}. */
  private static String rooted(String path) {
    return FilePaths.clean("/" + path);
  }
}
