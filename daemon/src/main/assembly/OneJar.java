import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Makes one jar of many, for the distribution: the JVM opens one file instead of a hundred, and
 * parses one short manifest instead of one a library (the Scala library's alone is 160 kB). Service
 * lists and reference configurations of the same name are joined; licences and notices go to a
 * folder a jar beside it. Run from its source in the package phase.
 */
final class OneJar {
  /** Who tells a version. One for the whole jar would be that of its libraries too. */
  private static final List<String> VERSIONED = List.of("dev/kiln/cli/", "dev/kiln/daemon/");

  private OneJar() {}

  /**
   * @param args the jar to make, its version, the folder for licences, and folders of jars or single
   *     jars
   */
  public static void main(String[] args) throws IOException {
    var jars = new ArrayList<Path>();
    for (String from : List.of(args).subList(3, args.length)) {
      Path path = Path.of(from);
      if (Files.isDirectory(path)) {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(path, "*.jar")) {
          var sorted = new ArrayList<Path>();
          found.forEach(sorted::add);
          sorted.sort(null);
          jars.addAll(sorted);
        }
      } else {
        jars.add(path);
      }
    }
    make(Path.of(args[0]), args[1], Path.of(args[2]), jars);
  }

  private static byte[] manifest(String version) {
    var text = new StringBuilder("Manifest-Version: 1.0\r\nMulti-Release: true\r\n\r\n");
    for (String folder : VERSIONED) {
      text.append("Name: ").append(folder).append("\r\n");
      text.append("Implementation-Version: ").append(version).append("\r\n\r\n");
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void make(Path target, String version, Path licences, List<Path> jars)
      throws IOException {
    var joined = new TreeMap<String, ByteArrayOutputStream>();
    Set<String> names = new HashSet<>();
    try (var out =
        new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(target), 1 << 16))) {
      out.setLevel(Deflater.BEST_SPEED);
      put(out, "META-INF/MANIFEST.MF", manifest(version));
      for (Path jar : jars) {
        try (var zip = new ZipFile(jar.toFile())) {
          for (ZipEntry entry : (Iterable<ZipEntry>) zip.stream().map(ZipEntry.class::cast)::iterator) {
            String name = entry.getName();
            try (InputStream in = new BufferedInputStream(zip.getInputStream(entry))) {
              if (isLegal(name)) {
                Path copy = licences.resolve(jar.getFileName().toString().replaceFirst("\\.jar$", ""));
                Files.createDirectories(copy);
                Files.write(copy.resolve(name.replace('/', '_')), in.readAllBytes());
              } else if (isJoined(name)) {
                OutputStream all = joined.computeIfAbsent(name, _ -> new ByteArrayOutputStream());
                byte[] part = in.readAllBytes();
                all.write(name.endsWith(".conf") ? withoutComments(part) : part);
                all.write('\n');
              } else if (isKept(entry) && names.add(name)) {
                byte[] bytes = in.readAllBytes();
                put(out, name, name.endsWith(".class") ? Classes.fit(name, bytes, zip) : bytes);
              }
            }
          }
        }
      }
      for (Map.Entry<String, ByteArrayOutputStream> file : joined.entrySet()) {
        put(out, file.getKey(), file.getValue().toByteArray());
      }
    }
  }

  /** Four fifths of Akka's reference configuration are comments, read at each start. */
  private static byte[] withoutComments(byte[] configuration) {
    String text = new String(configuration, StandardCharsets.UTF_8);
    if (text.contains("\"\"\"")) {
      return configuration; // a text of many lines may hold what looks like a comment
    }
    return text.lines()
        .filter(line -> !line.isBlank() && !line.strip().startsWith("#"))
        .collect(Collectors.joining("\n"))
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void put(ZipOutputStream out, String name, byte[] bytes) throws IOException {
    var entry = new ZipEntry(name);
    entry.setTime(0); // the same libraries give the same jar
    out.putNextEntry(entry);
    out.write(bytes);
    out.closeEntry();
  }

  private static boolean isLegal(String name) {
    String file = name.substring(name.lastIndexOf('/') + 1);
    return !name.endsWith("/")
        && !name.endsWith(".class")
        && (file.startsWith("LICENSE")
            || file.startsWith("NOTICE")
            || name.startsWith("META-INF/license/"));
  }

  private static boolean isJoined(String name) {
    return name.equals("reference.conf")
        || name.startsWith("META-INF/services/") && !name.endsWith("/");
  }

  /** Module descriptors, signatures and the manifest speak of one jar; natives of one system. */
  private static boolean isKept(ZipEntry entry) {
    String name = entry.getName();
    return !entry.isDirectory()
        && !name.equals("META-INF/MANIFEST.MF")
        && !name.equals("META-INF/INDEX.LIST")
        && !name.endsWith("module-info.class")
        && !name.matches("META-INF/[^/]+\\.(SF|RSA|DSA|EC)")
        && !name.startsWith("org/sqlite/native/")
        && !name.matches("(darwin|win|aix|freebsd|android)/.*");
  }
}
