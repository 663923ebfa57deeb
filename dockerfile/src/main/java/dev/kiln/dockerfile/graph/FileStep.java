package dev.kiln.dockerfile.graph;

import com.google.protobuf.ByteString;
import com.google.re2j.Pattern;
import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.grpc.pb.ChownOpt;
import dev.kiln.grpc.pb.FileActionCopy;
import dev.kiln.grpc.pb.FileActionMkDir;
import dev.kiln.grpc.pb.FileActionMkFile;
import dev.kiln.grpc.pb.NamedUserOpt;
import dev.kiln.grpc.pb.UserOpt;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One action of a file op. Paths may be relative to the state's directory. */
public sealed interface FileStep {
  /**
   * @param source empty for the empty file system
   * @param mode octal bits, absent to keep them
   * @param symbolicMode as chmod takes it, instead of {@code mode}; empty if absent
   */
  record Copy(
      Optional<Output> source,
      String from,
      String to,
      Optional<Owner> owner,
      Optional<Integer> mode,
      String symbolicMode,
      List<String> includes,
      List<String> excludes,
      Set<Manner> manner)
      implements FileStep {
    public Copy {
      includes = List.copyOf(includes);
      excludes = List.copyOf(excludes);
      manner = Set.copyOf(manner);
    }

    /** A copy that keeps owner and mode. */
    public static Copy plain(Output source, String from, String to, Manner... manner) {
      return new Copy(
          Optional.of(source),
          from,
          to,
          Optional.empty(),
          Optional.empty(),
          "",
          List.of(),
          List.of(),
          Set.of(manner));
    }
  }

  /** How a copy treats its source and destination. */
  enum Manner {
    FOLLOW_SYMLINKS,
    CONTENTS_ONLY,
    UNPACK,
    CREATE_PARENTS,
    WILDCARD,
    EMPTY_WILDCARD
  }

  record MakeFile(String path, int mode, byte[] data) implements FileStep {}

  /**
   * @param time absent for now
   */
  record MakeDirectory(
      String path, int mode, boolean parents, Optional<Owner> owner, Optional<Instant> time)
      implements FileStep {}

  /** A user and perhaps a group, each a number or a name that the base's files explain. */
  record Owner(String user, Optional<String> group) {
    /** From {@code user[:group]}. */
    public static Owner parse(String text) {
      int colon = text.indexOf(':');
      return colon < 0
          ? new Owner(text, Optional.empty())
          : new Owner(text.substring(0, colon), Optional.of(text.substring(colon + 1)));
    }

    ChownOpt toProto(int base) {
      var proto = ChownOpt.newBuilder().setUser(who(user, base));
      group.ifPresent(g -> proto.setGroup(who(g, base)));
      return proto.build();
    }

    private static UserOpt who(String name, int base) {
      if (name.equals("root")) {
        return UserOpt.newBuilder().setByID(0).build();
      }
      if (Pattern.matches("[+-]?[0-9]+", name)) {
        try {
          return UserOpt.newBuilder().setByID(Integer.parseInt(name)).build();
        } catch (NumberFormatException e) { // too large for a number: then a name
          return named(name, base);
        }
      }
      // An empty name is the id 0, as the Go client writes it.
      return name.isEmpty() ? UserOpt.newBuilder().setByID(0).build() : named(name, base);
    }

    private static UserOpt named(String name, int base) {
      return UserOpt.newBuilder()
          .setByName(NamedUserOpt.newBuilder().setName(name).setInput(base))
          .build();
    }
  }

  /** The protobuf forms of the steps, with paths made absolute. */
  final class Protos {
    private Protos() {}

    static FileActionMkFile makeFile(MakeFile step, String directory) {
      return FileActionMkFile.newBuilder()
          .setPath(absolute(directory, step.path(), false))
          .setMode(step.mode() & 0777)
          .setData(ByteString.copyFrom(step.data()))
          .setTimestamp(-1)
          .build();
    }

    static FileActionMkDir makeDirectory(MakeDirectory step, String directory, int base) {
      var proto =
          FileActionMkDir.newBuilder()
              .setPath(absolute(directory, step.path(), false))
              .setMode(step.mode() & 0777)
              .setMakeParents(step.parents())
              .setTimestamp(step.time().map(Protos::nanos).orElse(-1L));
      step.owner().ifPresent(owner -> proto.setOwner(owner.toProto(base)));
      return proto.build();
    }

    private static long nanos(Instant time) {
      return time.getEpochSecond() * 1_000_000_000L + time.getNano();
    }

    static FileActionCopy copy(Copy step, String directory, int base) {
      var proto =
          FileActionCopy.newBuilder()
              .setSrc(SlashPath.join("/", SlashPath.clean(step.from())))
              .setDest(absolute(directory, step.to(), true))
              .addAllIncludePatterns(step.includes())
              .addAllExcludePatterns(step.excludes())
              .setTimestamp(-1);
      step.owner().ifPresent(owner -> proto.setOwner(owner.toProto(base)));
      if (step.symbolicMode().isEmpty()) {
        proto.setMode(step.mode().orElse(-1));
      } else {
        proto.setModeStr(step.symbolicMode());
      }
      return proto
          .setFollowSymlink(step.manner().contains(Manner.FOLLOW_SYMLINKS))
          .setDirCopyContents(step.manner().contains(Manner.CONTENTS_ONLY))
          .setAttemptUnpackDockerCompatibility(step.manner().contains(Manner.UNPACK))
          .setCreateDestPath(step.manner().contains(Manner.CREATE_PARENTS))
          .setAllowWildcard(step.manner().contains(Manner.WILDCARD))
          .setAllowEmptyWildcard(step.manner().contains(Manner.EMPTY_WILDCARD))
          .build();
    }

    private static String absolute(String directory, String path, boolean keepSlash) {
      String clean = SlashPath.clean(path);
      if (!SlashPath.isAbsolute(clean)) {
        clean = SlashPath.join("/", directory, clean);
      }
      if (keepSlash && path.endsWith("/") && !clean.endsWith("/")) {
        return clean + "/";
      }
      if (keepSlash && path.endsWith("/.")) {
        return (clean.equals("/") ? clean : clean + "/") + ".";
      }
      return clean;
    }
  }
}
