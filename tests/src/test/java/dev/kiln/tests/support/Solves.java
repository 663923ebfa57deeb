package dev.kiln.tests.support;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.FileActionMkFile;
import dev.kiln.grpc.pb.FileOp;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.model.Digest;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Builds of definitions that are made by hand. */
public final class Solves {
  public static final MethodDescriptor<SolveRequest, SolveResponse> SOLVE =
      MethodDescriptor.<SolveRequest, SolveResponse>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("moby.buildkit.v1.Control/Solve")
          .setRequestMarshaller(ProtoUtils.marshaller(SolveRequest.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(SolveResponse.getDefaultInstance()))
          .build();

  private Solves() {}

  public static Op source(String identifier, Map<String, String> attributes) {
    return Op.newBuilder()
        .setSource(SourceOp.newBuilder().setIdentifier(identifier).putAllAttrs(attributes))
        .build();
  }

  /** A file of this text in an otherwise empty tree, or in {@code below} where it is an input. */
  public static Op file(String path, String text, Op... below) {
    var op = Op.newBuilder();
    for (Op input : below) {
      op.addInputs(Input.newBuilder().setDigest(digest(input)));
    }
    return op.setFile(
            FileOp.newBuilder()
                .addActions(
                    FileAction.newBuilder()
                        .setInput(below.length == 0 ? -1 : 0)
                        .setSecondaryInput(-1)
                        .setMkfile(
                            FileActionMkFile.newBuilder()
                                .setPath(path)
                                .setMode(0644)
                                .setTimestamp(-1)
                                .setData(ByteString.copyFromUtf8(text)))))
        .build();
  }

  public static String digest(Op op) {
    return Digest.of(op.toByteArray()).value();
  }

  /** The first output of the last of {@code ops}. */
  public static Definition.Builder definition(Op... ops) {
    var definition = Definition.newBuilder();
    for (Op op : ops) {
      definition.addDef(op.toByteString()).putMetadata(digest(op), OpMetadata.getDefaultInstance());
    }
    var last = Input.newBuilder().setDigest(digest(ops[ops.length - 1]));
    return definition.addDef(Op.newBuilder().addInputs(last).build().toByteString());
  }

  /** A build of these, for a client's session. */
  public static SolveRequest.Builder request(String session, Op... ops) {
    return SolveRequest.newBuilder()
        .setRef(UUID.randomUUID().toString())
        .setSession(session)
        .setDefinition(definition(ops));
  }

  public static Future<SolveResponse> begin(WireClient client, SolveRequest request) {
    return ClientCalls.futureUnaryCall(
        client.channel().newCall(SOLVE, CallOptions.DEFAULT), request);
  }

  /** How a build ended; it has half a minute for it. */
  public static Status end(Future<?> build) throws Exception {
    try {
      build.get(30, TimeUnit.SECONDS);
      return Status.OK;
    } catch (ExecutionException e) {
      return Status.fromThrowable(e);
    }
  }
}
