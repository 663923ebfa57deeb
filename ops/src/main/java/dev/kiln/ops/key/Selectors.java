package dev.kiln.ops.key;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * All the parts of one input that count, in the order in which the op names them. Immutable. Rules:
 * BuildKit v0.22 {@code solver/llbsolver/ops/file.go} and {@code opsutils/contenthash.go}.
 */
public record Selectors(List<Selector> all) {
  private static final Comparator<byte[]> BYTES = Arrays::compareUnsigned;

  public Selectors {
    all = List.copyOf(all);
  }

  /** Hashes the content that one selector picks. */
  @FunctionalInterface
  public interface ContentHash {
    Digest of(Selector selector) throws IOException, InterruptedException;
  }

  /** Stands for these parts in a key made from the input's definition. */
  public Digest definitionKey() {
    return joined(
        all.stream()
            .map(s -> s.path().getBytes(StandardCharsets.UTF_8))
            .sorted(BYTES.reversed())
            .toList());
  }

  /** The key of the input by the content of these parts. */
  public KeyDigest contentKey(ContentHash hash) throws IOException, InterruptedException {
    var digests = new ArrayList<byte[]>();
    for (Selector selector : distinct()) {
      digests.add(hash.of(selector).value().getBytes(StandardCharsets.UTF_8));
    }
    return KeyDigest.of(joined(digests));
  }

  /**
   * Without those that lie below another one, ordered by path. Patterns are not compared: they stay
   * as often as they are named.
   */
  List<Selector> distinct() {
    var kept = new ArrayList<Selector>();
    for (boolean follow : new boolean[] {false, true}) {
      Set<String> paths = new LinkedHashSet<>();
      for (Selector s : all) {
        if (s.isPlain() && s.followLinks() == follow) {
          paths.add(s.path());
        }
      }
      outermost(paths).forEach(p -> kept.add(Selector.of(p, follow)));
    }
    all.stream().filter(s -> !s.isPlain()).forEach(kept::add);
    kept.sort(Comparator.comparing(s -> s.path().getBytes(StandardCharsets.UTF_8), BYTES));
    return kept;
  }

  /** The paths that lie below no other one, sorted. */
  public static Set<String> outermost(Set<String> paths) {
    var kept = new TreeSet<String>();
    for (String path : paths) {
      boolean below =
          paths.stream()
              .anyMatch(p -> !p.equals(path) && path.startsWith(p.endsWith("/") ? p : p + "/"));
      if (!below) {
        kept.add(path);
      }
    }
    return kept;
  }

  private static Digest joined(List<byte[]> parts) {
    var bytes = new ByteArrayOutputStream();
    for (int i = 0; i < parts.size(); i++) {
      if (i > 0) {
        bytes.write(0);
      }
      bytes.writeBytes(parts.get(i));
    }
    return Digest.of(bytes.toByteArray());
  }
}
