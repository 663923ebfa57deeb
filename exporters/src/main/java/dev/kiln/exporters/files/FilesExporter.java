package dev.kiln.exporters.files;

import dev.kiln.exporters.Clients;
import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.Exporter;
import dev.kiln.exporters.Parallel;
import dev.kiln.exporters.ResultPlatforms;
import dev.kiln.exporters.ResultPlatforms.Entry;
import dev.kiln.exporters.SourceEpoch;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.ClientSession;
import dev.kiln.session.FileSend;
import dev.kiln.session.tree.TreeEntry;
import dev.kiln.session.tree.TreeSource;
import dev.kiln.store.Compression;
import dev.kiln.store.Refs;
import dev.kiln.sys.BytePath;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * {@code type=local} and {@code type=tar}: the files of a result, into a directory of the client or
 * as one tar stream (features ). Source of options and rules: BuildKit v0.22 {@code
 * exporter/local/export.go}, {@code exporter/tar/export.go}.
 */
public final class FilesExporter implements Exporter {
  /** The two ways to the client. */
  public enum Way {
    LOCAL,
    TAR
  }

  private final Refs refs;
  private final Clients clients;
  private final Way way;
  private final int id;
  private final FilesOptions options;

  public FilesExporter(
      Refs refs, Clients clients, Way way, int id, Map<String, String> attributes) {
    this.refs = refs;
    this.clients = clients;
    this.way = way;
    this.id = id;
    this.options = FilesOptions.parse(attributes);
  }

  @Override
  public int id() {
    return id;
  }

  @Override
  public String type() {
    return switch (way) {
      case LOCAL -> "local";
      case TAR -> "tar";
    };
  }

  @Override
  public String name() {
    return switch (way) {
      case LOCAL -> "exporting to client directory";
      case TAR -> "exporting to client tarball";
    };
  }

  @Override
  public Optional<Compression> compression() {
    return Optional.empty();
  }

  @Override
  public ExportResult export(ExportSource source, ExportContext context)
      throws IOException, InterruptedException {
    if (source.isMap() && !source.metadata().containsKey(ResultPlatforms.KEY)) {
      throw new BuildException(
          Kind.UNKNOWN, "unable to export multiple refs, missing platforms mapping");
    }
    ResultPlatforms platforms = ResultPlatforms.of(source.metadata());
    if (!source.isMap() && platforms.entries().size() > 1) {
      throw new BuildException(Kind.UNKNOWN, "unable to export multiple platforms without map");
    }
    FilesOptions timed = options.withEpoch(SourceEpoch.of(source.metadata()));
    Map<String, ResultTree> trees = new LinkedHashMap<>();
    try {
      for (Entry platform : platforms.entries()) {
        trees.put(
            platform.id(),
            ResultTree.open(
                refs,
                source.of(platform.id()),
                platform.id(),
                source.statements(platform.id()),
                timed,
                context));
      }
      ClientSession client = clients.of(context);
      switch (way) {
        case LOCAL -> sendTrees(trees, source.isMap(), timed, client, context);
        case TAR -> sendTar(trees, source.isMap(), timed, client, context);
      }
    } finally {
      trees.values().forEach(ResultTree::close);
    }
    return ExportResult.NOTHING;
  }

  private void sendTrees(
      Map<String, ResultTree> trees,
      boolean isMap,
      FilesOptions timed,
      ClientSession client,
      ExportContext context)
      throws IOException, InterruptedException {
    if (!timed.platformSplit()) {
      refuseCollisions(trees);
    }
    List<Callable<Boolean>> pieces = new ArrayList<>();
    trees.forEach((platform, tree) ->
        pieces.add(() -> {
          TreeSource sent = isMap && timed.platformSplit() ? below(platform, tree, timed) : tree;
          String part = "copying files" + (isMap ? " " + platform : "");
          try (var progress = new Clients.Transfer(context.progress(), part)) {
            FileSend.tree(client, id, sent, progress);
          }
          return true;
        }));
    Parallel.run("export-local", pieces);
  }

  private static void refuseCollisions(Map<String, ResultTree> trees)
      throws IOException, InterruptedException {
    Map<BytePath, String> seen = new HashMap<>();
    for (var each : trees.entrySet()) {
      each.getValue()
          .walk(entry -> {
            if (!entry.isDirectory()) {
              String other = seen.putIfAbsent(entry.path(), each.getKey());
              if (other != null) {
                throw new BuildException(
                    Kind.UNKNOWN,
                    "cannot overwrite "
                        + entry.path()
                        + " from "
                        + other
                        + " with "
                        + each.getKey()
                        + " when split option is disabled");
              }
            }
          });
    }
  }

  private static SubdirectoryTree below(String platform, ResultTree tree, FilesOptions timed) {
    var below = new SubdirectoryTree();
    below.add(directory(platform, timed), tree);
    return below;
  }

  private static TreeEntry directory(String platform, FilesOptions timed) {
    BytePath name = BytePath.of(platform.replace('/', '_'));
    long time = timed.epoch().map(FilesOptions::nanos).orElse(0L);
    return TreeEntry.directory(name, 0755, time);
  }

  private void sendTar(
      Map<String, ResultTree> trees,
      boolean isMap,
      FilesOptions timed,
      ClientSession client,
      ExportContext context)
      throws IOException, InterruptedException {
    TreeSource whole;
    if (isMap) {
      var all = new SubdirectoryTree();
      trees.forEach((platform, tree) -> all.add(directory(platform, timed), tree));
      whole = all;
    } else {
      whole = trees.values().iterator().next();
    }
    FileSend.FileStream out = FileSend.file(client, id, Map.of());
    try (var _ = context.progress().part("sending tarball")) {
      try {
        TreeTar.write(whole, out);
        out.close();
      } catch (IOException | InterruptedException | RuntimeException e) {
        out.abort(String.valueOf(e.getMessage()));
        throw e;
      }
    }
  }
}
