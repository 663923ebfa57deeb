import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Makes library classes fit for the AOT cache, which leaves out two kinds that our start is full
 * of: classes in the format of Java 5 and before (picocli's), and lambdas made by {@code
 * altMetafactory} (all of Scala's and Akka's, for each of which a class would be written at each
 * start). JVMS 25, chapter 4.
 */
final class Classes {
  private static final int JAVA_6 = 50;
  private static final int JAVA_8 = 52;
  private static final String FACTORY = "java/lang/invoke/LambdaMetafactory";
  private static final String PLAIN =
      "(Ljava/lang/invoke/MethodHandles$Lookup;Ljava/lang/String;Ljava/lang/invoke/MethodType;"
          + "Ljava/lang/invoke/MethodType;Ljava/lang/invoke/MethodHandle;Ljava/lang/invoke/MethodType;)"
          + "Ljava/lang/invoke/CallSite;";

  /** Flags of altMetafactory. */
  private static final int SERIALIZABLE = 1;

  private static final int BRIDGES = 4;

  private Classes() {}

  static byte[] fit(String name, byte[] bytes, ZipFile jar) throws IOException {
    int major = ByteBuffer.wrap(bytes).getShort(6) & 0xffff;
    if (major < JAVA_6) {
      return modern(bytes, jar);
    }
    return name.startsWith("scala/") || name.startsWith("akka/") ? plainLambdas(bytes) : bytes;
  }

  /** The class in the format of Java 8, with the stack maps that it demands. */
  private static byte[] modern(byte[] bytes, ZipFile jar) {
    var file =
        ClassFile.of(
            ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(type -> {
                      String descriptor = type.descriptorString();
                      ZipEntry entry =
                          jar.getEntry(
                              descriptor.substring(1, descriptor.length() - 1) + ".class");
                      try {
                        return entry == null ? null : whole(jar, entry);
                      } catch (IOException e) {
                        throw new UncheckedIOException(e);
                      }
                    })
                    .orElse(ClassHierarchyResolver.defaultResolver())));
    ClassTransform version =
        (builder, element) -> {
          if (element instanceof ClassFileVersion) {
            builder.withVersion(JAVA_8, 0);
          } else {
            builder.with(element);
          }
        };
    return file.transformClass(
        file.parse(bytes),
        version.andThen(ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)));
  }

  private static InputStream whole(ZipFile jar, ZipEntry entry) throws IOException {
    try (InputStream in = jar.getInputStream(entry)) {
      return new ByteArrayInputStream(in.readAllBytes());
    }
  }

  /**
   * Lambdas whose only speciality is to be serializable made plain ones: nothing here serialises a
   * function. A bridge of a lambda that is a {@code scala.FunctionN} goes too: callers know the
   * interface's own method only. Constants change; no instruction does.
   */
  private static byte[] plainLambdas(byte[] bytes) throws IOException {
    var pool = new Pool(bytes);
    int special = pool.factoryHandle("altMetafactory");
    if (special == 0 || pool.count + 6 > 0xffff) {
      return bytes;
    }
    ByteBuffer in = pool.bytes;
    int at = pool.end + 6;
    at += 2 + 2 * u2(in, at); // interfaces
    at = members(in, members(in, at)); // fields, methods
    int attributes = u2(in, at);
    at += 2;
    for (int i = 0; i < attributes; i++) {
      int length = in.getInt(at + 2);
      if (pool.text(u2(in, at)).equals("BootstrapMethods")) {
        byte[] methods = methods(pool, special, pool.count + 5, at + 6);
        return methods.length == length ? bytes : joined(bytes, pool, at, length, methods);
      }
      at += 6 + length;
    }
    return bytes;
  }

  private static byte[] joined(byte[] bytes, Pool pool, int at, int length, byte[] methods)
      throws IOException {
    var all = new ByteArrayOutputStream(bytes.length + 400);
    var out = new DataOutputStream(all);
    out.write(bytes, 0, 8);
    out.writeShort(pool.count + 6);
    out.write(bytes, 10, pool.end - 10);
    out.write(1); // at count: the name; then descriptor, name and type, class, method, handle
    out.writeUTF("metafactory");
    out.write(1);
    out.writeUTF(PLAIN);
    out.write(12);
    out.writeShort(pool.count);
    out.writeShort(pool.count + 1);
    out.write(7);
    out.writeShort(pool.utf8(FACTORY));
    out.write(10);
    out.writeShort(pool.count + 3);
    out.writeShort(pool.count + 2);
    out.write(15);
    out.write(6); // REF_invokeStatic
    out.writeShort(pool.count + 4);
    out.write(bytes, pool.end, at + 2 - pool.end);
    out.writeInt(methods.length);
    out.write(methods);
    int rest = at + 6 + length;
    out.write(bytes, rest, bytes.length - rest);
    return all.toByteArray();
  }

  /** The bootstrap methods, those of serializable lambdas with the plain factory. */
  private static byte[] methods(Pool pool, int special, int plain, int from) throws IOException {
    ByteBuffer in = pool.bytes;
    var all = new ByteArrayOutputStream();
    var out = new DataOutputStream(all);
    int count = u2(in, from);
    out.writeShort(count);
    int at = from + 2;
    for (int i = 0; i < count; i++) {
      int handle = u2(in, at);
      int arguments = u2(in, at + 2);
      boolean serializable =
          arguments == 4 && pool.isInteger(u2(in, at + 10), SERIALIZABLE);
      boolean bridged =
          arguments == 6
              && pool.isInteger(u2(in, at + 10), SERIALIZABLE | BRIDGES)
              && pool.makesFunctionsOnly(i);
      boolean change = handle == special && (serializable || bridged);
      out.writeShort(change ? plain : handle);
      out.writeShort(change ? 3 : arguments);
      for (int a = 0; a < (change ? 3 : arguments); a++) {
        out.writeShort(u2(in, at + 4 + 2 * a));
      }
      at += 4 + 2 * arguments;
    }
    return all.toByteArray();
  }

  private static int members(ByteBuffer in, int from) {
    int count = u2(in, from);
    int at = from + 2;
    for (int i = 0; i < count; i++) {
      int attributes = u2(in, at + 6);
      at += 8;
      for (int a = 0; a < attributes; a++) {
        at += 6 + in.getInt(at + 2);
      }
    }
    return at;
  }

  private static int u2(ByteBuffer in, int at) {
    return in.getShort(at) & 0xffff;
  }

  /** Where each constant is. */
  private static final class Pool {
    final ByteBuffer bytes;
    final int count;
    final int end;
    private final int[] at;

    Pool(byte[] file) {
      bytes = ByteBuffer.wrap(file);
      count = u2(bytes, 8);
      at = new int[count];
      int next = 10;
      for (int i = 1; i < count; i++) {
        at[i] = next;
        int tag = file[next];
        next +=
            switch (tag) {
              case 1 -> 3 + u2(bytes, next + 1);
              case 3, 4, 9, 10, 11, 12, 17, 18 -> 5;
              case 5, 6 -> 9;
              case 7, 8, 16, 19, 20 -> 3;
              case 15 -> 4;
              default -> throw new IllegalArgumentException("constant of kind " + tag);
            };
        if (tag == 5 || tag == 6) {
          i++;
        }
      }
      end = next;
    }

    private boolean is(int index, int tag) {
      return at[index] > 0 && bytes.get(at[index]) == tag;
    }

    private int link(int index, int offset) {
      return u2(bytes, at[index] + offset);
    }

    boolean isInteger(int index, int value) {
      return is(index, 3) && bytes.getInt(at[index] + 1) == value;
    }

    String text(int index) {
      if (!is(index, 1)) {
        return "";
      }
      int length = link(index, 1);
      return new String(bytes.array(), at[index] + 3, length, StandardCharsets.ISO_8859_1);
    }

    int utf8(String text) {
      for (int i = 1; i < count; i++) {
        if (is(i, 1) && text(i).equals(text)) {
          return i;
        }
      }
      throw new IllegalArgumentException("no constant " + text);
    }

    /** Whether all calls by this bootstrap method make a {@code scala.FunctionN}. */
    boolean makesFunctionsOnly(int bootstrap) {
      for (int i = 1; i < count; i++) {
        if (is(i, 18)
            && link(i, 1) == bootstrap
            && !text(link(link(i, 3), 3)).matches(".*\\)Lscala/Function\\d+;")) {
          return false;
        }
      }
      return true;
    }

    /** The handle of that method of the lambda factory; 0 where there is none. */
    int factoryHandle(String method) {
      for (int i = 1; i < count; i++) {
        if (is(i, 15) && is(link(i, 2), 10)) {
          int reference = link(i, 2);
          if (text(link(link(reference, 1), 1)).equals(FACTORY)
              && text(link(link(reference, 3), 1)).equals(method)) {
            return i;
          }
        }
      }
      return 0;
    }
  }
}
