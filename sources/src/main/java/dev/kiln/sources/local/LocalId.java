package dev.kiln.sources.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.GoBool;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Optional;

/**
 * Which folder of which client a local source op names. Immutable. Lists are empty {@code
 * Optional}s where the op has none, which the key tells from an empty list. (BuildKit v0.22 {@code
 * source/local/source.go}.)
 *
 * @param sessionId empty for any client of the build
 * @param trustMetadata whether files whose metadata is unchanged stay as they are
 * @param metadataOnly only the list of files is wanted, and the contents of {@code exceptions}
 */
record LocalId(
    String name,
    String sessionId,
    Optional<List<String>> includes,
    Optional<List<String>> excludes,
    Optional<List<String>> followPaths,
    String sharedKeyHint,
    boolean trustMetadata,
    boolean metadataOnly,
    Optional<List<String>> exceptions) {
  private static final ObjectReader TEXTS = new ObjectMapper().readerForListOf(String.class);

  static LocalId of(SourceOp op) {
    String session = op.attr("local.session").orElse("");
    String name = op.rest();
    int colon = session.indexOf(':');
    if (colon >= 0) {
      name = session.substring(0, colon) + "-" + name;
      session = session.substring(colon + 1);
    }
    return new LocalId(
        name,
        session,
        list(op, "local.includepattern"),
        list(op, "local.excludepatterns"),
        list(op, "local.followpaths"),
        op.attr("local.sharedkeyhint").orElse(""),
        !op.attr("local.differ").orElse("").equals("none"),
        metadataOnly(op.attr("local.metadatatransfer")),
        list(op, "local.metadatatransferexclude"));
  }

  private static boolean metadataOnly(Optional<String> text) {
    return GoBool.parse(text.orElse("false"))
        .orElseThrow(() ->
            new BuildException(
                Kind.INVALID,
                "invalid value for local.metadatatransfer \"" + text.orElse("") + "\""));
  }

  private static Optional<List<String>> list(SourceOp op, String key) {
    return op.attr(key)
        .flatMap(text -> {
          try {
            // "null" is a list that is absent
            return Optional.ofNullable(TEXTS.<List<String>>readValue(text));
          } catch (JsonProcessingException e) {
            throw new BuildException(
                Kind.INVALID, "invalid value for " + key + ": " + e.getOriginalMessage(), e);
          }
        });
  }

  /** What the key of a transfer in {@code session} is made of. */
  Digest digest(String session) {
    GoJson json =
        GoJson.object()
            .text("SessionID", session)
            .raw("IncludePatterns", json(includes))
            .raw("ExcludePatterns", json(excludes))
            .raw("FollowPaths", json(followPaths))
            .boolIfSet("MetadataTransfer", metadataOnly)
            .textsIfSet("MetadataExceptions", exceptions.orElse(List.of()));
    return Digest.of(json.toBytes());
  }

  private static String json(Optional<List<String>> list) {
    return list.map(GoJson::texts).orElse("null");
  }
}
