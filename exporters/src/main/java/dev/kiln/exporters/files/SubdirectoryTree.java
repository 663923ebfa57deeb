package dev.kiln.exporters.files;

import dev.kiln.session.tree.TreeEntry;
import dev.kiln.session.tree.TreeOrder;
import dev.kiln.session.tree.TreeSource;
import dev.kiln.sys.BytePath;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Several trees, each in a directory of its own name. The trees stay their owner's. Any thread. */
final class SubdirectoryTree implements TreeSource {
  private record Part(TreeEntry directory, TreeSource tree) {}

  private final SortedMap<BytePath, Part> parts = new TreeMap<>(TreeOrder.PATHS);

  /** Adds a tree; the directory's path is one name. */
  void add(TreeEntry directory, TreeSource tree) {
    parts.put(directory.path(), new Part(directory, tree));
  }

  @Override
  public void walk(Visitor visitor) throws IOException, InterruptedException {
    for (Map.Entry<BytePath, Part> each : parts.entrySet()) {
      BytePath name = each.getKey();
      visitor.visit(each.getValue().directory());
      each.getValue()
          .tree()
          .walk(entry ->
              visitor.visit(
                  entry.movedTo(
                      name.resolve(entry.path()),
                      entry.isHardLink() ? name.resolve(entry.linkname()) : entry.linkname())));
    }
  }

  @Override
  public InputStream open(BytePath path) throws IOException {
    String text = path.latin1();
    int slash = text.indexOf('/');
    Part part = slash < 0 ? null : parts.get(BytePath.ofLatin1(text.substring(0, slash)));
    if (part == null) {
      throw new FileNotFoundException(path.toString());
    }
    return part.tree().open(BytePath.ofLatin1(text.substring(slash + 1)));
  }
}
