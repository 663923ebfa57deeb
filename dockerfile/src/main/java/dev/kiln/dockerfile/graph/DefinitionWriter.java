package dev.kiln.dockerfile.graph;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Location;
import dev.kiln.grpc.pb.Locations;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.Position;
import dev.kiln.grpc.pb.Range;
import dev.kiln.grpc.pb.Source;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.SourceRange;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the graph behind one output as a definition: inputs before what needs them, each op once,
 * and beside the ops their metadata and places. One object writes one definition; one thread.
 */
public final class DefinitionWriter {
  /** Every command has all variables that are set before it, so a few lines can stand for much. */
  private static final long MOST_BYTES = 256L << 20;

  private final OpWriter ops;
  private final Map<Node, Digest> done = new IdentityHashMap<>();
  private final Map<Digest, ByteString> bytes = new LinkedHashMap<>();
  private final Map<Digest, OpMetadata> metadata = new HashMap<>();
  private final Map<Digest, Locations.Builder> locations = new HashMap<>();
  private final Map<SourceInfo, Integer> sources = new LinkedHashMap<>();
  private long size;

  private DefinitionWriter(Platform platform) {
    this.ops = new OpWriter(platform, this::input);
  }

  /**
   * @param platform of ops that have none of their own
   * @return the empty definition for the empty file system
   */
  public static Definition write(State state, Platform platform) {
    Optional<Output.Made> root = state.output().flatMap(Output::made);
    return root.map(made -> new DefinitionWriter(platform).definition(made))
        .orElseGet(Definition::getDefaultInstance);
  }

  private Definition definition(Output.Made root) {
    add(root.node());
    ByteString last = Op.newBuilder().addInputs(input(root)).build().toByteString();
    Digest lastDigest = Digest.of(last.toByteArray());
    var caps = new HashMap<String, Boolean>();
    caps.put("constraints", true);
    caps.put("platform", true);
    for (OpMetadata m : metadata.values()) {
      if (m.getIgnoreCache()) {
        caps.put("meta.ignorecache", true);
      }
      if (m.getDescriptionCount() > 0) {
        caps.put("meta.description", true);
      }
      if (m.hasExportCache()) {
        caps.put("meta.exportcache", true);
      }
    }
    metadata.put(lastDigest, OpMetadata.newBuilder().putAllCaps(caps).build());

    var definition = Definition.newBuilder().addAllDef(bytes.values()).addDef(last);
    metadata.forEach((digest, m) -> definition.putMetadata(digest.value(), m));
    var source = Source.newBuilder().addAllInfos(sources.keySet());
    locations.forEach((digest, l) -> source.putLocations(digest.value(), l.build()));
    return definition.setSource(source).build();
  }

  /** The digest and index of an output whose node has been added. */
  private Input input(Output.Made made) {
    return Input.newBuilder()
        .setDigest(known(made.node()).orElseThrow().value())
        .setIndex(made.index())
        .build();
  }

  private Optional<Digest> known(Node node) {
    // Given graphs share no nodes in memory: their digests tell what was added already.
    return node instanceof Node.Given(GivenDefinition _, Digest digest)
        ? Optional.of(digest).filter(bytes::containsKey)
        : Optional.ofNullable(done.get(node));
  }

  /** Adds {@code root} and all that it needs, without recursion: chains may be thousands long. */
  private void add(Node root) {
    var open = new ArrayDeque<Node>();
    open.push(root);
    while (!open.isEmpty()) {
      Node node = open.element();
      if (known(node).isPresent()) {
        open.pop();
        continue;
      }
      List<Node> missing = missing(inputs(node));
      if (missing.isEmpty()) {
        write(node);
        open.pop();
      } else {
        missing.reversed().forEach(open::push); // the first one is next
      }
    }
  }

  private List<Node> missing(List<Node> inputs) {
    return inputs.stream().filter(input -> known(input).isEmpty()).toList();
  }

  private static List<Node> inputs(Node node) {
    if (node instanceof Node.Given(GivenDefinition definition, Digest digest)) {
      return definition.inputs(digest);
    }
    var inputs = new ArrayList<Node>();
    for (Output input : OpWriter.inputs(node)) {
      input.made().ifPresent(made -> inputs.add(made.node()));
    }
    return inputs;
  }

  private void write(Node node) {
    if (node instanceof Node.Given given) {
      writeGiven(given);
      return;
    }
    OpWriter.Written written = ops.write(node);
    Digest digest = written.digest();
    keep(node, digest, written.bytes());
    metadata.merge(digest, written.metadata(), DefinitionWriter::merged);
    Locations.Builder places = placesOf(digest);
    for (NodeOptions.Place place : node.options().places()) {
      places.addLocations(
          Location.newBuilder()
              .setSourceIndex(index(place.source()))
              .addAllRanges(ranges(place.ranges())));
    }
  }

  private void writeGiven(Node.Given given) {
    GivenDefinition definition = given.definition();
    Digest digest = given.digest();
    keep(given, digest, definition.bytes(digest));
    metadata.merge(digest, definition.metadata(digest), DefinitionWriter::merged);
    Locations.Builder places = placesOf(digest);
    for (Location location : definition.locations(digest)) {
      places.addLocations(location.toBuilder().setSourceIndex(index(definition.source(location))));
    }
  }

  private Locations.Builder placesOf(Digest digest) {
    return locations.computeIfAbsent(digest, d -> Locations.newBuilder());
  }

  private void keep(Node node, Digest digest, ByteString op) {
    done.put(node, digest);
    if (bytes.putIfAbsent(digest, op) == null) {
      size += op.size();
      if (size > MOST_BYTES) {
        throw new BuildException(
            Kind.INVALID,
            "the build's definition is larger than "
                + (MOST_BYTES >> 20)
                + " MiB: give its steps fewer or shorter variables and commands");
      }
    }
  }

  private int index(SourceInfo source) {
    return sources.computeIfAbsent(source, s -> sources.size());
  }

  /** Two nodes with the same bytes are one vertex: what either says of it holds. */
  private static OpMetadata merged(OpMetadata first, OpMetadata second) {
    var merged =
        first.toBuilder()
            .setIgnoreCache(first.getIgnoreCache() || second.getIgnoreCache())
            .putAllDescription(second.getDescriptionMap())
            .putAllCaps(second.getCapsMap());
    if (second.hasExportCache()) {
      merged.setExportCache(second.getExportCache());
    }
    if (second.hasProgressGroup()) {
      merged.setProgressGroup(second.getProgressGroup());
    }
    return merged.build();
  }

  /** Source ranges in their protobuf form. */
  public static List<Range> ranges(List<SourceRange> ranges) {
    var protos = new ArrayList<Range>(ranges.size());
    for (SourceRange r : ranges) {
      protos.add(
          Range.newBuilder()
              .setStart(position(r.startLine(), r.startCharacter()))
              .setEnd(position(r.endLine(), r.endCharacter()))
              .build());
    }
    return protos;
  }

  private static Position position(int line, int character) {
    return Position.newBuilder().setLine(line).setCharacter(character).build();
  }
}
