package dev.kiln.llb;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Op;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;

/** Any bytes are a graph or refused as invalid. */
class DefinitionsFuzzTest {
  @FuzzTest
  void anyDefinitionIsReadOrRefused(byte[] bytes) throws InvalidProtocolBufferException {
    try {
      read(Definition.parseFrom(bytes));
    } catch (InvalidProtocolBufferException expected) {
      // gRPC refuses it before anybody sees it
    }
    read(around(ByteString.copyFrom(bytes)));
  }

  /** A definition that solves {@code op}, with an input for those that it names. */
  private static Definition around(ByteString op) throws InvalidProtocolBufferException {
    var source = Op.newBuilder();
    source.getSourceBuilder().setIdentifier("docker-image://a");
    ByteString root = source.build().toByteString();
    var definition = Definition.newBuilder().addDef(root);
    ByteString solved = op;
    try {
      var linked = Op.parseFrom(op).toBuilder();
      linked.getInputsBuilderList().forEach(i -> i.setDigest(digest(root)));
      solved = linked.build().toByteString();
    } catch (InvalidProtocolBufferException e) {
      // as it is, then
    }
    return definition
        .addDef(solved)
        .addDef(
            Op.newBuilder()
                .addInputs(Input.newBuilder().setDigest(digest(solved)))
                .build()
                .toByteString())
        .build();
  }

  private static String digest(ByteString op) {
    return Digest.of(op.toByteArray()).value();
  }

  private static void read(Definition definition) {
    try {
      Definitions.parse(definition, Platform.host());
    } catch (BuildException expected) {
      assertThat(expected.kind()).isNotEqualTo(Kind.INTERNAL);
      assertThat(expected.getMessage()).isNotBlank();
    }
  }
}
