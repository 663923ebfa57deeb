package dev.kiln.gateway;

import akka.NotUsed;
import akka.stream.Materializer;
import akka.stream.OverflowStrategy;
import akka.stream.QueueOfferResult;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.SinkQueueWithCancel;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.SourceQueueWithComplete;
import com.google.protobuf.ByteString;
import dev.kiln.exec.ExitStatus;
import dev.kiln.exec.ProcessIo;
import dev.kiln.exec.RunningProcess;
import dev.kiln.exec.Signal;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.gateway.DoneMessage;
import dev.kiln.grpc.gateway.ExecMessage;
import dev.kiln.grpc.gateway.ExitMessage;
import dev.kiln.grpc.gateway.FdMessage;
import dev.kiln.grpc.gateway.InitMessage;
import dev.kiln.grpc.gateway.StartedMessage;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes of one ExecProcess call, told apart by the ids that the caller gives. For each:
 * Started, output and its ends, Exit, Done. Nothing is dropped: a process whose output is not read
 * waits. The call ends when the caller's stream has ended and all processes have; a broken stream
 * takes their input away, and their container's release ends them. Reads its messages on one
 * virtual thread.
 */
final class ProcessStream {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessStream.class);
  private static final int UNKNOWN_EXIT = 255;
  private static final int QUEUE = 16;
  private final GatewayContainers containers;
  private final SinkQueueWithCancel<ExecMessage> in;
  private final SourceQueueWithComplete<ExecMessage> out;
  private final ReentrantLock sending = new ReentrantLock();
  private final Map<String, Running> running = new HashMap<>();

  /** A process under way; {@code handle} is there from its start on. */
  private static final class Running {
    private final Optional<StdinPipe> stdin;
    private final CountDownLatch started = new CountDownLatch(1);
    private final CountDownLatch announced = new CountDownLatch(1);
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile Optional<RunningProcess> handle = Optional.empty();

    Running(Optional<StdinPipe> stdin) {
      this.stdin = stdin;
    }
  }

  private ProcessStream(
      GatewayContainers containers,
      SinkQueueWithCancel<ExecMessage> in,
      SourceQueueWithComplete<ExecMessage> out) {
    this.containers = containers;
    this.in = in;
    this.out = out;
  }

  static Source<ExecMessage, NotUsed> over(
      Source<ExecMessage, NotUsed> in, GatewayContainers containers) {
    return Source.fromMaterializer(
            (materializer, attributes) -> begin(in, containers, materializer))
        .mapMaterializedValue(ignored -> NotUsed.getInstance());
  }

  private static Source<ExecMessage, NotUsed> begin(
      Source<ExecMessage, NotUsed> in, GatewayContainers containers, Materializer materializer) {
    return Source.<ExecMessage>queue(QUEUE, OverflowStrategy.backpressure(), QUEUE)
        .mapMaterializedValue(out -> {
          SinkQueueWithCancel<ExecMessage> messages = in.runWith(Sink.queue(), materializer);
          var stream = new ProcessStream(containers, messages, out);
          Blocking.start("exec-process", stream::serve);
          return NotUsed.getInstance();
        });
  }

  private Void serve() {
    try {
      while (true) {
        Optional<ExecMessage> message = in.pull().toCompletableFuture().get();
        if (message.isEmpty()) {
          break;
        }
        receive(message.get());
      }
      for (Running process : running.values()) {
        if (process.stdin.isPresent()) {
          process.stdin.get().end();
        }
      }
      for (Running process : List.copyOf(running.values())) {
        process.done.await();
      }
      out.complete();
    } catch (ExecutionException e) { // the caller is gone
      takeInputAway();
      out.fail(GrpcErrors.toGrpc(e));
    } catch (BuildException e) {
      takeInputAway();
      in.cancel();
      out.fail(e);
    } catch (InterruptedException e) {
      out.fail(e);
    }
    return null;
  }

  private void takeInputAway() {
    for (Running process : running.values()) {
      process.stdin.ifPresent(StdinPipe::abandon);
    }
  }

  private void receive(ExecMessage message) throws InterruptedException {
    String id = message.getProcessID();
    if (id.isEmpty()) {
      throw new BuildException(Kind.INVALID, "ProcessID required");
    }
    switch (message.getInputCase()) {
      case INIT -> start(id, message.getInit());
      case FILE -> {
        FdMessage file = message.getFile();
        StdinPipe stdin =
            find(id)
                .stdin
                .filter(s -> file.getFd() == 0)
                .orElseThrow(() ->
                    new BuildException(
                        Kind.INVALID, "fd " + file.getFd() + " unavailable to write"));
        stdin.add(file.getData().toByteArray());
        if (file.getEOF()) {
          stdin.end();
        }
      }
      case RESIZE -> {
        Running process = find(id);
        process.started.await();
        process.handle.ifPresent(
            p -> p.resize(message.getResize().getRows(), message.getResize().getCols()));
      }
      case SIGNAL -> {
        Running process = find(id);
        String name = message.getSignal().getName();
        Signal signal =
            Signal.named(name)
                .orElseThrow(() -> new BuildException(Kind.INVALID, "Unknown signal " + name));
        process.started.await();
        process.handle.ifPresent(p -> p.signal(signal));
      }
      case STARTED, EXIT, DONE, INPUT_NOT_SET ->
          LOG.debug("a message {} that only the daemon sends", message.getInputCase());
    }
  }

  private Running find(String id) {
    Running process = running.get(id);
    if (process == null) {
      throw new BuildException(Kind.NOT_FOUND, "IO for process \"" + id + "\" not found");
    }
    return process;
  }

  private void start(String id, InitMessage init) {
    if (running.containsKey(id)) {
      throw new BuildException(Kind.ALREADY_EXISTS, "Process " + id + " already exists");
    }
    GatewayContainer container = containers.find(init.getContainerID());
    List<Integer> fds = init.getFdsList();
    var process = new Running(fds.contains(0) ? Optional.of(new StdinPipe()) : Optional.empty());
    running.put(id, process);
    var io =
        new ProcessIo(
            process.stdin.map(java.io.InputStream.class::cast),
            sink(id, process, 1, fds),
            sink(id, process, 2, fds));
    Blocking.Task<ExitStatus> task =
        container.start(
            init,
            io,
            () -> announce(id, process),
            handle -> {
              process.handle = Optional.of(handle);
              process.started.countDown();
            });
    Blocking.start("exec-process-end", () -> end(id, process, init, task));
  }

  private void announce(String id, Running process) {
    send(
        ExecMessage.newBuilder()
            .setProcessID(id)
            .setStarted(StartedMessage.getDefaultInstance())
            .build());
    process.announced.countDown();
  }

  private ProcessIo.Sink sink(String id, Running process, int fd, List<Integer> fds) {
    if (!fds.contains(fd)) {
      return ProcessIo.NOWHERE;
    }
    return new ProcessIo.Sink() {
      @Override
      public void write(byte[] bytes) {
        awaitAnnounced();
        sendFile(id, FdMessage.newBuilder().setFd(fd).setData(ByteString.copyFrom(bytes)).build());
      }

      @Override
      public void end() {
        awaitAnnounced();
        sendFile(id, FdMessage.newBuilder().setFd(fd).setEOF(true).build());
      }

      private void awaitAnnounced() {
        try {
          process.announced.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    };
  }

  private void sendFile(String id, FdMessage file) {
    send(ExecMessage.newBuilder().setProcessID(id).setFile(file).build());
  }

  private Void end(String id, Running process, InitMessage init, Blocking.Task<ExitStatus> task)
      throws InterruptedException {
    var exit = ExitMessage.newBuilder();
    try {
      int code = task.done().toCompletableFuture().get().code();
      if (code != 0) {
        exit.setCode(code)
            .setError(
                GrpcErrors.toProto(
                    new BuildException(Kind.UNKNOWN, "exit code: " + code)
                        .with(new Detail.ProcessExited(code))));
      }
    } catch (ExecutionException e) {
      exit.setCode(UNKNOWN_EXIT).setError(GrpcErrors.toProto(BuildException.of(e)));
    } finally {
      process.stdin.ifPresent(StdinPipe::abandon);
    }
    if (process.started.getCount() > 0) { // it never came to run
      if (process.announced.getCount() > 0) {
        announce(id, process);
      }
      process.started.countDown();
      for (int fd : init.getFdsList()) {
        if (fd == 1 || fd == 2) {
          sendFile(id, FdMessage.newBuilder().setFd(fd).setEOF(true).build());
        }
      }
    }
    send(ExecMessage.newBuilder().setProcessID(id).setExit(exit).build());
    send(
        ExecMessage.newBuilder()
            .setProcessID(id)
            .setDone(DoneMessage.getDefaultInstance())
            .build());
    process.done.countDown();
    return null;
  }

  /** Sends one message; waits while the caller does not read. One that is gone reads nothing. */
  private void send(ExecMessage message) {
    sending.lock();
    try {
      QueueOfferResult result = out.offer(message).toCompletableFuture().get();
      LOG.trace("{} for {}", result, message.getProcessID());
    } catch (ExecutionException e) {
      LOG.debug("the caller of a process is gone", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      sending.unlock();
    }
  }
}
