package dev.kiln.gateway;

import akka.NotUsed;
import akka.actor.ClassicActorSystemProvider;
import akka.stream.Materializer;
import akka.stream.OverflowStrategy;
import akka.stream.SystemMaterializer;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.SinkQueueWithCancel;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.SourceQueueWithComplete;
import akka.util.ByteString;
import dev.kiln.exec.ProcessIo;
import java.io.InputStream;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

/**
 * Joins the standard streams of a process with a flow of bytes. Both directions have backpressure:
 * what is not taken makes the other side wait. Made for one process; its streams end with the flow,
 * and the flow with them.
 */
final class FrontendPipe {
  private static final int QUEUE = 16;
  private final SourceQueueWithComplete<ByteString> fromProcess;
  private final SinkQueueWithCancel<ByteString> toProcess;
  private final Flow<ByteString, ByteString, NotUsed> flow;

  FrontendPipe(ClassicActorSystemProvider system) {
    Materializer materializer = SystemMaterializer.get(system).materializer();
    var output =
        Source.<ByteString>queue(QUEUE, OverflowStrategy.backpressure(), QUEUE)
            .preMaterialize(materializer);
    var input = Sink.<ByteString>queue().preMaterialize(materializer);
    this.fromProcess = output.first();
    this.toProcess = input.first();
    this.flow =
        Flow.fromSinkAndSourceMat(input.second(), output.second(), Keep.none())
            .mapMaterializedValue(ignored -> NotUsed.getInstance());
  }

  /** What the process writes comes out, what goes in is what it reads. To be run once. */
  Flow<ByteString, ByteString, NotUsed> flow() {
    return flow;
  }

  /** The process's streams; {@code stderr} goes elsewhere. */
  ProcessIo io(ProcessIo.Sink stderr) {
    return new ProcessIo(Optional.of(new Input()), new Output(), stderr);
  }

  private final class Output implements ProcessIo.Sink {
    @Override
    public void write(byte[] bytes) {
      try {
        fromProcess.offer(ByteString.fromArray(bytes)).toCompletableFuture().get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (ExecutionException e) {
        throw new IllegalStateException("nobody reads the frontend any more", e);
      }
    }

    @Override
    public void end() {
      fromProcess.complete();
    }
  }

  private final class Input extends InputStream {
    private ByteString current = ByteString.emptyByteString();

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
      try {
        while (current.isEmpty()) {
          Optional<ByteString> next = toProcess.pull().toCompletableFuture().get();
          if (next.isEmpty()) {
            return -1;
          }
          current = next.get();
        }
      } catch (InterruptedException e) { // the process has ended
        Thread.currentThread().interrupt();
        return -1;
      } catch (ExecutionException e) {
        return -1; // the server's side broke: the process finds its input ended
      }
      int n = Math.min(length, current.size());
      System.arraycopy(current.take(n).toArray(), 0, to, offset, n);
      current = current.drop(n);
      return n;
    }
  }
}
