package dev.kiln.llb;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress.ProgressGroup;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a definition as a frontend or client sent it. Pure, any thread.
 *
 * <p>The last op of a definition has no body and one input, the edge to solve; an op is known by
 * the sha256 of its bytes. Digests change only where a {@link SourceRewrite} changed an op: then
 * its dependants are marshalled anew (features L-01 to L-16). A missing platform becomes the
 * daemon's default, which changes no digest.
 */
public final class Definitions {
  /** The solver weighs all inputs of an operation whenever one is known: their square in work. */
  private static final int MAX_INPUTS = 10_000;

  private Definitions() {}

  public static Optional<Graph> parse(Definition definition, Platform defaultPlatform) {
    return parse(definition, defaultPlatform, SourceRewrite.NONE);
  }

  /**
   * A mount that a frontend asks for outside of a definition, for a container of its own.
   *
   * @param inputs how many inputs there are for the mount to name
   * @throws dev.kiln.model.BuildException {@code INVALID}, saying what is wrong
   */
  public static ExecOp.Mount mount(dev.kiln.grpc.pb.Mount mount, int inputs) {
    OpCodec.refuseNul(mount, "mount: ");
    return OpCodec.mount(mount, inputs);
  }

  /**
   * Holds the mounts of a frontend's own container to what a step may have.
   *
   * @throws dev.kiln.model.BuildException {@code INVALID} where they are too many
   */
  public static void boundMounts(int mounts) {
    OpCodec.boundMounts(mounts, "container");
  }

  /**
   * The graph of {@code definition}, or nothing where it is empty (a scratch result).
   *
   * @throws BuildException {@code INVALID} and the like, from "failed to load LLB: "
   */
  public static Optional<Graph> parse(
      Definition definition, Platform defaultPlatform, SourceRewrite rewrite) {
    if (definition.getDefCount() == 0) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Parse(definition, defaultPlatform, rewrite).graph());
    } catch (BuildException e) {
      throw e.wrap("failed to load LLB");
    }
  }

  /** One definition on its way; used once. Walks without recursion, as graphs may be deep. */
  private static final class Parse {
    private final Definition definition;
    private final Platform defaultPlatform;
    private final SourceRewrite rewrite;
    private final SourceMap sources;
    private final Map<Digest, Op> sent = new HashMap<>();
    private final Map<Digest, byte[]> sentBytes = new HashMap<>();

    /** By the digest that the client sent; in the order in which they were made. */
    private final Map<Digest, Vertex> done = new LinkedHashMap<>();

    /** Names by the digest after a rewrite. */
    private final Map<Digest, String> names = new HashMap<>();

    private Digest last;

    Parse(Definition definition, Platform defaultPlatform, SourceRewrite rewrite) {
      this.definition = definition;
      this.defaultPlatform = defaultPlatform;
      this.rewrite = rewrite;
      this.sources = new SourceMap(definition.getSource());
      this.last = Digest.of("");
      for (var bytes : definition.getDefList()) {
        byte[] raw = bytes.toByteArray();
        last = Digest.of(raw);
        try {
          sent.put(last, Op.parseFrom(raw));
        } catch (InvalidProtocolBufferException e) {
          throw OpCodec.invalid("failed to parse llb proto op: " + e.getMessage());
        }
        sentBytes.put(last, raw);
      }
    }

    Graph graph() {
      for (Op op : sent.values()) {
        if (op.getInputsCount() > MAX_INPUTS) {
          throw OpCodec.invalid(
              "an operation of %d inputs: the most is %d, share them among several"
                  .formatted(op.getInputsCount(), MAX_INPUTS));
        }
        for (var input : op.getInputsList()) {
          inputDigest(input.getDigest());
        }
      }
      if (sent.size() < 2) {
        throw OpCodec.invalid("invalid LLB with " + sent.size() + " vertexes");
      }
      Op end = op(last);
      if (end.getInputsCount() == 0) {
        throw OpCodec.invalid("invalid LLB with no inputs on last vertex");
      }
      var root = end.getInputs(0);
      Digest rootSent = inputDigest(root.getDigest());
      if (rootSent.equals(last)) {
        throw OpCodec.invalid("invalid missing input digest " + rootSent);
      }
      walk(rootSent);
      var vertices = new LinkedHashMap<Digest, Vertex>();
      done.values().forEach(v -> vertices.putIfAbsent(v.digest(), v));
      return new Graph(new Edge(made(rootSent).digest(), outputIndex(root.getIndex())), vertices);
    }

    private void walk(Digest root) {
      var path = new ArrayList<Digest>();
      Set<Digest> open = new HashSet<>();
      path.add(root);
      while (!path.isEmpty()) {
        Digest digest = path.getLast();
        if (done.containsKey(digest)) {
          path.removeLast();
          continue;
        }
        Op op = op(digest);
        boolean waits = false;
        if (open.add(digest)) {
          for (int i = op.getInputsCount() - 1; i >= 0; i--) {
            Digest input = inputDigest(op.getInputs(i).getDigest());
            if (open.contains(input) && !done.containsKey(input)) {
              throw OpCodec.invalid("invalid LLB with a loop at " + input);
            }
            if (!done.containsKey(input)) {
              path.add(input);
              waits = true;
            }
          }
        }
        if (!waits) {
          done.put(digest, vertex(digest, op));
          path.removeLast();
        }
      }
    }

    private Vertex vertex(Digest sentDigest, Op sentOp) {
      Op op = sentOp;
      if (op.hasSource()) {
        Optional<SourceOp> other;
        try {
          other =
              rewrite.rewrite(
                  OpCodec.source(op.getSource()),
                  op.hasPlatform()
                      ? Optional.of(OpCodec.platform(op.getPlatform()))
                      : Optional.empty());
        } catch (BuildException e) {
          throw e.wrap("error evaluating the source policy");
        }
        if (other.isPresent()) {
          op = op.toBuilder().setSource(OpCodec.message(other.get())).build();
        }
      }
      var inputs = new ArrayList<Edge>();
      for (int i = 0; i < op.getInputsCount(); i++) {
        var input = op.getInputs(i);
        Digest now = made(inputDigest(input.getDigest())).digest();
        inputs.add(new Edge(now, outputIndex(input.getIndex())));
        if (!now.value().equals(input.getDigest())) {
          op = op.toBuilder().setInputs(i, input.toBuilder().setDigest(now.value())).build();
        }
      }
      byte[] bytes = op == sentOp ? bytesOf(sentDigest) : marshal(op);
      Digest digest = op == sentOp ? sentDigest : Digest.of(bytes);
      VertexOptions options = options(sentDigest);
      dev.kiln.llb.Op body = OpCodec.op(op);
      String customName = options.description().get("llb.customname");
      String name =
          customName != null ? customName : OpNames.of(body, inputs, d -> known(names, d));
      names.put(digest, name);
      Platform platform = op.hasPlatform() ? OpCodec.platform(op.getPlatform()) : defaultPlatform;
      return new Vertex(
          digest, sentDigest, body, inputs, Optional.of(platform), options, name, bytes);
    }

    private VertexOptions options(Digest digest) {
      OpMetadata metadata =
          definition.getMetadataOrDefault(digest.value(), OpMetadata.getDefaultInstance());
      metadata.getCapsMap().keySet().stream().sorted().forEach(Caps::require);
      return new VertexOptions(
          metadata.getIgnoreCache(),
          metadata.getDescriptionMap(),
          metadata.hasExportCache()
              ? Optional.of(metadata.getExportCache().getValue())
              : Optional.empty(),
          metadata.hasProgressGroup()
              ? Optional.of(
                  new ProgressGroup(
                      metadata.getProgressGroup().getId(),
                      metadata.getProgressGroup().getName(),
                      metadata.getProgressGroup().getWeak()))
              : Optional.empty(),
          sources.locations(digest));
    }

    private Digest inputDigest(String text) {
      if (!Digest.isValid(text) || !sent.containsKey(new Digest(text))) {
        throw OpCodec.invalid("invalid missing input digest " + text);
      }
      return new Digest(text);
    }

    private Op op(Digest digest) {
      return known(sent, digest);
    }

    private byte[] bytesOf(Digest digest) {
      return known(sentBytes, digest);
    }

    private Vertex made(Digest digest) {
      return known(done, digest);
    }

    private static <T> T known(Map<Digest, T> all, Digest digest) {
      T value = all.get(digest);
      if (value == null) {
        throw OpCodec.invalid("invalid missing input digest " + digest);
      }
      return value;
    }

    private static int outputIndex(long index) {
      if (index < 0 || index > Integer.MAX_VALUE) {
        throw OpCodec.invalid("invalid output index " + index);
      }
      return (int) index;
    }
  }

  /** Marshals with maps sorted by key, as BuildKit's clients do: equal messages, equal digests. */
  static byte[] marshal(Message message) {
    var out = new ByteArrayOutputStream(message.getSerializedSize());
    CodedOutputStream coded = CodedOutputStream.newInstance(out);
    coded.useDeterministicSerialization();
    try {
      message.writeTo(coded);
      coded.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never: it writes to memory
    }
    return out.toByteArray();
  }

  /** The locations of a definition's ops; equal sources are one object. */
  private static final class SourceMap {
    private final dev.kiln.grpc.pb.Source source;
    private final List<dev.kiln.model.SourceInfo> infos;

    SourceMap(dev.kiln.grpc.pb.Source source) {
      this.source = source;
      this.infos =
          source.getInfosList().stream()
              .map(i ->
                  new dev.kiln.model.SourceInfo(
                      i.getFilename(),
                      i.getData().toByteArray(),
                      i.hasDefinition() ? i.getDefinition().toByteArray() : new byte[0],
                      i.getLanguage()))
              .toList();
    }

    List<dev.kiln.model.Detail.SourceLocation> locations(Digest digest) {
      var locations = source.getLocationsMap().get(digest.value());
      return locations == null
          ? List.of()
          : locations.getLocationsList().stream()
              .filter(l -> l.getSourceIndex() >= 0 && l.getSourceIndex() < infos.size())
              .map(l ->
                  new dev.kiln.model.Detail.SourceLocation(
                      infos.get(l.getSourceIndex()),
                      l.getRangesList().stream()
                          .map(r ->
                              new dev.kiln.model.SourceRange(
                                  r.getStart().getLine(),
                                  r.getStart().getCharacter(),
                                  r.getEnd().getLine(),
                                  r.getEnd().getCharacter()))
                          .toList()))
              .toList();
    }
  }
}
