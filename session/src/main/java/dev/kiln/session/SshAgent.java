package dev.kiln.session;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.session.sshforward.BytesMessage;
import dev.kiln.grpc.session.sshforward.CheckAgentRequest;
import dev.kiln.grpc.session.sshforward.CheckAgentResponse;
import dev.kiln.model.BuildException;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.tracing.Blocking;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's SSH agent as a unix socket of this machine, for one mount. Any thread; whoever opened
 * it closes it, which ends the connections through it and removes the socket. Each connection to
 * the socket is a connection to the agent; one that fails disturbs no other.
 */
public final class SshAgent implements AutoCloseable {
  public static final String DEFAULT_ID = "default";
  private static final Logger LOG = LoggerFactory.getLogger(SshAgent.class);
  private static final String SERVICE = "moby.sshforward.v1.SSH";
  private static final int BUFFER_BYTES = 1 << 15;
  private static final MethodDescriptor<CheckAgentRequest, CheckAgentResponse> CHECK =
      Calls.unary(
          SERVICE,
          "CheckAgent",
          CheckAgentRequest.getDefaultInstance(),
          CheckAgentResponse.getDefaultInstance());
  private static final MethodDescriptor<BytesMessage, BytesMessage> FORWARD =
      Calls.bidirectional(
          SERVICE,
          "ForwardAgent",
          BytesMessage.getDefaultInstance(),
          BytesMessage.getDefaultInstance());

  private final ClientSession session;
  private final String id;
  private final Path directory;
  private final Path socket;
  private final ServerSocketChannel listener;
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

  private SshAgent(
      ClientSession session, String id, Path directory, Path socket, ServerSocketChannel listener) {
    this.session = session;
    this.id = id;
    this.directory = directory;
    this.socket = socket;
    this.listener = listener;
  }

  /** Who may use the socket. Immutable. */
  public record Owner(int uid, int gid, int mode) {}

  /**
   * Asks whether the client forwards an agent of this id; empty means {@value #DEFAULT_ID}.
   *
   * @throws BuildException where it does not
   */
  public static void check(ClientSession session, String id) throws InterruptedException {
    Calls.ask(session, CHECK, CheckAgentRequest.newBuilder().setID(orDefault(id)).build());
  }

  /** Opens a socket for the agent of this id; empty means {@value #DEFAULT_ID}. */
  public static SshAgent open(ClientSession session, String id, Owner owner) throws IOException {
    Path directory = Files.createTempDirectory("kiln-ssh-");
    Path socket = directory.resolve("ssh_auth_sock");
    try {
      Fd.CWD.chmod(BytePath.of(directory), 0711); // the path may be known, the folder not listed
      var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        listener.bind(UnixDomainSocketAddress.of(socket));
        Fd.CWD.chown(BytePath.of(socket), owner.uid(), owner.gid());
        Fd.CWD.chmod(BytePath.of(socket), owner.mode());
      } catch (IOException e) {
        listener.close();
        throw e;
      }
      var agent = new SshAgent(session, orDefault(id), directory, socket, listener);
      Blocking.start("ssh-agent-" + agent.id, agent::accept);
      return agent;
    } catch (IOException e) {
      Files.deleteIfExists(socket);
      Files.deleteIfExists(directory);
      throw e;
    }
  }

  private static String orDefault(String id) {
    return id.isEmpty() ? DEFAULT_ID : id;
  }

  /** Where the socket is, on this machine. */
  public Path socket() {
    return socket;
  }

  private boolean accept() throws IOException {
    while (true) {
      SocketChannel connection;
      try {
        connection = listener.accept();
      } catch (ClosedChannelException e) {
        return true;
      }
      connections.add(connection);
      if (!listener.isOpen()) { // closed meanwhile: close() may not have seen this one
        connection.close();
      }
      Blocking.start("ssh-agent-connection", () -> proxy(connection));
    }
  }

  private boolean proxy(SocketChannel connection) throws InterruptedException, IOException {
    var headers = Map.of("buildkit.ssh.id", List.of(id));
    try (connection;
        var call = Calls.open(session, FORWARD, headers)) {
      var toAgent = Blocking.start("ssh-agent-requests", () -> copyRequests(connection, call));
      for (var next = call.receive(); next.isPresent(); next = call.receive()) {
        ByteBuffer bytes = next.get().getData().asReadOnlyByteBuffer();
        while (bytes.hasRemaining()) {
          connection.write(bytes);
        }
      }
      connection.shutdownOutput(); // the agent has said all; what still comes goes to it
      toAgent.done().toCompletableFuture().get();
      return true;
    } catch (BuildException | IOException | java.util.concurrent.ExecutionException e) {
      LOG.debug("connection to SSH agent {} of {} ended", id, session, e);
      return false;
    } finally {
      connections.remove(connection);
    }
  }

  private static boolean copyRequests(
      SocketChannel connection, Duplex<BytesMessage, BytesMessage> call)
      throws InterruptedException, IOException {
    var buffer = ByteBuffer.allocate(BUFFER_BYTES);
    try {
      while (connection.read(buffer) >= 0) {
        buffer.flip();
        call.send(BytesMessage.newBuilder().setData(ByteString.copyFrom(buffer)).build());
        buffer.clear();
      }
    } catch (AsynchronousCloseException e) {
      return false;
    } finally {
      call.halfClose();
    }
    return true;
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (SocketChannel connection : connections) {
        connection.close();
      }
      Files.deleteIfExists(socket);
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      LOG.warn("cannot remove the SSH agent socket {}", socket, e);
    }
  }
}
