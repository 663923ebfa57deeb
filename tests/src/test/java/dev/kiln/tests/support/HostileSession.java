package dev.kiln.tests.support;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.kiln.grpc.PlainBytes;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.fsutil.Packet;
import dev.kiln.grpc.fsutil.Packet.PacketType;
import dev.kiln.grpc.fsutil.Stat;
import dev.kiln.grpc.session.secrets.GetSecretResponse;
import dev.kiln.grpc.tunnel.TunnelCall;
import dev.kiln.grpc.tunnel.TunnelServer;
import dev.kiln.session.ServerDuplex;
import dev.kiln.session.SessionMetadata;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.netty.channel.DefaultEventLoopGroup;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A session of a client that answers each call of the daemon wrongly, in one of many ways. Who
 * opens it closes it.
 */
public final class HostileSession implements AutoCloseable {
  /** What the session does when it is asked for files, secrets or credentials. */
  public enum Misbehaviour {
    /** Names of files go down. */
    FILES_OUT_OF_ORDER,
    /** A name leads out of the tree. */
    FILES_THAT_CLIMB,
    /** A folder below a symbolic link that leads out of the tree. */
    FILES_BELOW_A_LINK,
    /** Content of a file that was never named. */
    FILES_OF_WRONG_IDS,
    /** More content than the file has. */
    FILES_LARGER_THAN_SAID,
    /** Bytes that are no packets. */
    FILES_OF_GARBAGE,
    /** One message larger than any may be. */
    FILES_IN_A_HUGE_MESSAGE,
    /** The stream ends in the middle. */
    FILES_CUT_OFF,
    /** A list of files without end. */
    FILES_WITHOUT_END,
    /** The first byte of a file's three, and no more. */
    FILES_THAT_STALL,
    /** No answer to any call. */
    SILENCE,
    /** A secret of 100 MB. */
    HUGE_SECRET
  }

  private static final int HUGE_BYTES = 100 << 20;
  private static final int LARGER_THAN_ANY = 17 << 20;

  private final String id = UUID.randomUUID().toString();
  private final EventLoopGroup loops = new DefaultEventLoopGroup(1);
  private final TunnelCall call;
  private final Server server;

  /** One that misbehaves in what every build asks for: files, secrets, credentials. */
  public HostileSession(Channel daemon, Misbehaviour misbehaviour) throws IOException {
    this(
        daemon,
        service("moby.filesync.v1.FileSync", "DiffCopy", MethodType.BIDI_STREAMING, misbehaviour),
        service("moby.buildkit.secrets.v1.Secrets", "GetSecret", MethodType.UNARY, misbehaviour),
        service("moby.filesync.v1.Auth", "Credentials", MethodType.UNARY, misbehaviour));
  }

  /** One that lends these services. */
  public HostileSession(Channel daemon, ServerServiceDefinition... lent) throws IOException {
    List<ServerServiceDefinition> services = List.of(lent);
    var headers = new Metadata();
    put(headers, SessionMetadata.ID_HEADER, id);
    put(headers, SessionMetadata.NAME_HEADER, "hostile");
    services.forEach(service ->
        service
            .getMethods()
            .forEach(method ->
                put(
                    headers,
                    SessionMetadata.METHOD_HEADER,
                    "/" + method.getMethodDescriptor().getFullMethodName())));
    BytesMessage bytes = BytesMessage.getDefaultInstance();
    call =
        TunnelCall.open(
            daemon,
            MethodDescriptor.<BytesMessage, BytesMessage>newBuilder()
                .setType(MethodType.BIDI_STREAMING)
                .setFullMethodName("moby.buildkit.v1.Control/Session")
                .setRequestMarshaller(ProtoUtils.marshaller(bytes))
                .setResponseMarshaller(ProtoUtils.marshaller(bytes))
                .build(),
            headers);
    server = TunnelServer.start(call.pipe(), loops, services, HUGE_BYTES);
  }

  private static void put(Metadata headers, String name, String value) {
    headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
  }

  public String id() {
    return id;
  }

  /** A service whose methods take and give bytes, each call on a thread of its own. */
  public static ServerServiceDefinition service(
      String name, Map<String, ServerDuplex.Body<byte[], byte[]>> methods) {
    var service = ServerServiceDefinition.builder(name);
    methods.forEach((method, body) ->
        service.addMethod(
            method(name, method, MethodType.BIDI_STREAMING), ServerDuplex.handler(body)));
    return service.build();
  }

  private static MethodDescriptor<byte[], byte[]> method(
      String service, String method, MethodType type) {
    return MethodDescriptor.newBuilder(PlainBytes.MARSHALLER, PlainBytes.MARSHALLER)
        .setType(type)
        .setFullMethodName(service + "/" + method)
        .build();
  }

  private static ServerServiceDefinition service(
      String name, String method, MethodType type, Misbehaviour misbehaviour) {
    return ServerServiceDefinition.builder(name)
        .addMethod(
            method(name, method, type),
            (in, _) -> {
              in.request(1 << 20);
              if (misbehaviour != Misbehaviour.SILENCE) {
                in.sendHeaders(new Metadata());
              }
              return new Answers(in, method, misbehaviour);
            })
        .build();
  }

  /** The wrong answers to one call. */
  private static final class Answers extends ServerCall.Listener<byte[]> {
    private final ServerCall<byte[], byte[]> call;
    private final String method;
    private final Misbehaviour misbehaviour;
    private int sent;

    Answers(ServerCall<byte[], byte[]> call, String method, Misbehaviour misbehaviour) {
      this.call = call;
      this.method = method;
      this.misbehaviour = misbehaviour;
      if (method.equals("DiffCopy")) {
        list();
      }
    }

    private void send(Message message) {
      call.sendMessage(message.toByteArray());
    }

    private void name(String path, long size) {
      send(
          packet(PacketType.PACKET_STAT)
              .setStat(Stat.newBuilder().setPath(path).setMode(0644).setSize(size))
              .build());
    }

    private static Packet.Builder packet(PacketType type) {
      return Packet.newBuilder().setType(type);
    }

    private void list() {
      switch (misbehaviour) {
        case FILES_OUT_OF_ORDER -> {
          name("b", 0);
          name("a", 0);
        }
        case FILES_THAT_CLIMB -> name("../climbed", 0);
        case FILES_BELOW_A_LINK -> {
          int link = 0x8000000 | 0777; // Go's os.ModeSymlink
          send(
              packet(PacketType.PACKET_STAT)
                  .setStat(Stat.newBuilder().setPath("a").setMode(link).setLinkname("/tmp"))
                  .build());
          name("a/below", 0);
        }
        case FILES_OF_WRONG_IDS, FILES_LARGER_THAN_SAID, FILES_CUT_OFF, FILES_THAT_STALL ->
            name("a", 3);
        case FILES_OF_GARBAGE -> call.sendMessage(new byte[] {-1, -1, -1, -1, -1});
        case FILES_IN_A_HUGE_MESSAGE -> call.sendMessage(new byte[LARGER_THAN_ANY]);
        case FILES_WITHOUT_END -> more();
        case SILENCE, HUGE_SECRET -> {
          return;
        }
      }
      if (misbehaviour != Misbehaviour.FILES_WITHOUT_END) {
        send(packet(PacketType.PACKET_STAT).build()); // the end of the list
      }
    }

    private void more() {
      while (call.isReady()) {
        name("f%012d".formatted(sent++), 0);
      }
    }

    @Override
    public void onReady() {
      if (misbehaviour == Misbehaviour.FILES_WITHOUT_END && method.equals("DiffCopy")) {
        more();
      }
    }

    @Override
    public void onMessage(byte[] message) {
      if (method.equals("GetSecret") && misbehaviour == Misbehaviour.HUGE_SECRET) {
        send(
            GetSecretResponse.newBuilder()
                .setData(ByteString.copyFrom(new byte[HUGE_BYTES]))
                .build());
        call.close(io.grpc.Status.OK, new Metadata());
        return;
      }
      Packet.Builder data = packet(PacketType.PACKET_DATA);
      switch (misbehaviour) {
        case FILES_OF_WRONG_IDS ->
            send(data.setID(99).setData(ByteString.copyFromUtf8("abc")).build());
        case FILES_LARGER_THAN_SAID ->
            send(data.setData(ByteString.copyFrom(new byte[1 << 20])).build());
        case FILES_THAT_STALL -> {
          if (sent++ == 0) {
            send(data.setData(ByteString.copyFromUtf8("a")).build());
          }
        }
        case FILES_CUT_OFF -> call.close(io.grpc.Status.OK, new Metadata());
        default -> {}
      }
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    call.cancel();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
