package dev.kiln.dockerfile.graph;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Location;
import dev.kiln.grpc.pb.Locations;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A definition that a client gave as an input, so that its vertices can be built upon without a
 * change of their bytes. Immutable.
 */
public final class GivenDefinition {
  private final Map<Digest, ByteString> bytes = new HashMap<>();
  private final Map<Digest, Op> ops = new HashMap<>();
  private final Definition definition;

  private GivenDefinition(Definition definition) {
    this.definition = definition;
    for (ByteString op : definition.getDefList()) {
      Digest digest = Digest.of(op.toByteArray());
      bytes.put(digest, op);
      try {
        ops.put(digest, Op.parseFrom(op));
      } catch (InvalidProtocolBufferException e) {
        throw new BuildException(
            Kind.INVALID, "failed to parse llb proto op: " + e.getMessage(), e);
      }
    }
  }

  /**
   * The state whose file system the definition describes; an empty definition is the empty one.
   *
   * @throws BuildException {@code INVALID} for bytes that are no op or an op that is not there
   */
  public static State state(Definition definition) {
    if (definition.getMetadataCount() == 0) { // nothing was sent: BuildKit v0.22 refuses it, too
      throw new BuildException(Kind.INVALID, "invalid nil input definition to definition op");
    }
    if (definition.getDefCount() == 0) {
      return State.scratch();
    }
    var given = new GivenDefinition(definition);
    ByteString last = definition.getDef(definition.getDefCount() - 1);
    Op head = given.op(Digest.of(last.toByteArray()));
    if (head.getInputsCount() == 0) {
      return State.scratch();
    }
    Input input = head.getInputs(0);
    return State.of(
        new Output.Made(new Node.Given(given, given.known(input)), (int) input.getIndex()));
  }

  private Digest known(Input input) {
    if (!Digest.isValid(input.getDigest()) || !bytes.containsKey(new Digest(input.getDigest()))) {
      throw new BuildException(Kind.INVALID, "invalid missing input digest " + input.getDigest());
    }
    return new Digest(input.getDigest());
  }

  private Op op(Digest digest) {
    Op op = ops.get(digest);
    if (op == null) {
      throw new BuildException(Kind.INVALID, "invalid missing input digest " + digest);
    }
    return op;
  }

  ByteString bytes(Digest digest) {
    op(digest);
    return bytes.getOrDefault(digest, ByteString.EMPTY);
  }

  List<Node> inputs(Digest digest) {
    return op(digest).getInputsList().stream()
        .map(input -> (Node) new Node.Given(this, known(input)))
        .toList();
  }

  Optional<Platform> platform(Digest digest) {
    Op op = op(digest);
    if (!op.hasPlatform()) {
      return Optional.empty();
    }
    var p = op.getPlatform();
    return Optional.of(
        new Platform(
            p.getOS(),
            p.getArchitecture(),
            p.getVariant(),
            p.getOSVersion(),
            p.getOSFeaturesList()));
  }

  OpMetadata metadata(Digest digest) {
    return definition.getMetadataOrDefault(digest.value(), OpMetadata.getDefaultInstance());
  }

  /** The places in source texts that the definition names for the vertex. */
  List<Location> locations(Digest digest) {
    return definition
        .getSource()
        .getLocationsOrDefault(digest.value(), Locations.getDefaultInstance())
        .getLocationsList();
  }

  SourceInfo source(Location location) {
    int index = location.getSourceIndex();
    return index >= 0 && index < definition.getSource().getInfosCount()
        ? definition.getSource().getInfos(index)
        : SourceInfo.getDefaultInstance();
  }
}
