package dev.kiln.exporters.files;

import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportSource.Statement;
import dev.kiln.exporters.Statements;
import dev.kiln.exporters.Statements.Made;
import dev.kiln.exporters.Statements.Named;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import dev.kiln.session.tree.DirectoryTree;
import dev.kiln.session.tree.TreeEntry;
import dev.kiln.session.tree.TreeOrder;
import dev.kiln.session.tree.TreeSource;
import dev.kiln.store.RefId;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import dev.kiln.sys.BytePath;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The files of one platform's result with the statements about them, as a tree to send. Who opened
 * it closes it, which unmounts. Any thread. Source of the rules: BuildKit v0.22 {@code
 * exporter/local/fs.go}.
 */
final class ResultTree implements TreeSource, AutoCloseable {
  private final Optional<View> view;
  private final Optional<DirectoryTree> files;

  /** Statement files by path, in the order of trees. */
  private final Map<BytePath, Added> added = new TreeMap<>(TreeOrder.PATHS);

  private record Added(TreeEntry entry, byte[] content) {}

  private ResultTree(Optional<View> view, Optional<DirectoryTree> files) {
    this.view = view;
    this.files = files;
  }

  static ResultTree open(
      Refs refs,
      Optional<RefId> ref,
      String platformId,
      List<Statement> statements,
      FilesOptions options,
      ExportContext context)
      throws IOException, InterruptedException {
    Optional<View> view = Optional.empty();
    if (ref.isPresent()) {
      view = Optional.of(refs.view(ref.get(), context.progress()));
    }
    ResultTree tree = new ResultTree(view, Optional.empty());
    try {
      if (view.isPresent()) {
        tree =
            new ResultTree(
                view,
                Optional.of(
                    new DirectoryTree(
                        view.get().root(), entry -> Optional.of(options.timed(entry)))));
      }
      tree.add(refs, Statements.forFiles(statements), platformId, options, context);
      return tree;
    } catch (IOException | InterruptedException | RuntimeException e) {
      tree.close();
      throw e;
    }
  }

  private void add(
      Refs refs,
      List<Statement> statements,
      String platformId,
      FilesOptions options,
      ExportContext context)
      throws IOException, InterruptedException {
    if (statements.isEmpty()) {
      return;
    }
    long now = FilesOptions.nanos(Instant.now().truncatedTo(ChronoUnit.SECONDS));
    for (Made made :
        Statements.make(
            refs, statements, digests(), Statements.Supplement.NONE, context.progress())) {
      String name = options.attestationPrefix() + FilePaths.base(made.path());
      if (!options.platformSplit()) {
        int dot = name.lastIndexOf('.');
        int end = dot < 0 ? name.length() : dot;
        name = name.substring(0, end) + "." + platformId.replace('/', '_') + name.substring(end);
      }
      byte[] content = GoJson.indent(made.json().toString()).getBytes(StandardCharsets.UTF_8);
      BytePath path = BytePath.of(name);
      TreeEntry entry = options.timed(TreeEntry.file(path, 0600, content.length, now));
      if (added.put(path, new Added(entry, content)) != null) {
        throw new BuildException(Kind.UNKNOWN, "duplicate attestation path name " + name);
      }
    }
  }

  /** All regular files with their digests: what a statement about files is about. */
  private List<Named> digests() throws IOException, InterruptedException {
    var all = new ArrayList<Named>();
    if (files.isPresent()) {
      files
          .get()
          .walk(entry -> {
            if (entry.isRegular()) {
              MessageDigest sha256 = Digest.sha256();
              if (entry.sizeBytes() > 0) { // a socket comes out as an empty file
                try (var in = new DigestInputStream(files.get().open(entry.path()), sha256)) {
                  in.transferTo(java.io.OutputStream.nullOutputStream());
                }
              }
              all.add(new Named(entry.path().toString(), Digest.ofHash(sha256.digest())));
            }
          });
    }
    return all;
  }

  @Override
  public void walk(Visitor visitor) throws IOException, InterruptedException {
    var extra = new ArrayList<>(added.entrySet());
    if (files.isPresent()) {
      files
          .get()
          .walk(entry -> {
            while (!extra.isEmpty()
                && TreeOrder.PATHS.compare(extra.getFirst().getKey(), entry.path()) < 0) {
              visitor.visit(extra.removeFirst().getValue().entry());
            }
            if (!extra.isEmpty() && extra.getFirst().getKey().equals(entry.path())) {
              visitor.visit(extra.removeFirst().getValue().entry());
            } else {
              visitor.visit(entry);
            }
          });
    }
    for (var each : extra) {
      visitor.visit(each.getValue().entry());
    }
  }

  @Override
  public InputStream open(BytePath path) throws IOException {
    Added own = added.get(path);
    return own != null ? new ByteArrayInputStream(own.content()) : files.orElseThrow().open(path);
  }

  @Override
  public void close() {
    files.ifPresent(DirectoryTree::close);
    view.ifPresent(View::close);
  }
}
