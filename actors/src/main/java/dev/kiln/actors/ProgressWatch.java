package dev.kiln.actors;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.TimerGraphStageLogic;
import akka.util.ByteString;
import dev.kiln.actors.ProgressLog.Chunk;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.time.Duration;

/**
 * Tails a {@link ProgressLog} as fast as it is pulled. Small events within 50 ms go out together,
 * as each element costs a message and, with grpc-go, a ping on the wire; neither a flood nor the
 * end is held back.
 */
final class ProgressWatch extends GraphStage<SourceShape<ByteString>> {
  private static final Duration GATHER = Duration.ofMillis(50);

  private final Outlet<ByteString> out = Outlet.create("ProgressWatch.out");
  private final ProgressLog log;

  ProgressWatch(ProgressLog log) {
    this.log = log;
  }

  @Override
  public SourceShape<ByteString> shape() {
    return SourceShape.of(out);
  }

  @Override
  public Logic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic {
    private long position;
    private long lastPush = System.nanoTime() - GATHER.toNanos();
    private boolean asking;
    private boolean reading;
    private final AsyncCallback<Long> more = createAsyncCallback(at -> read());
    private final AsyncCallback<Chunk> got = createAsyncCallback(this::push);
    private final AsyncCallback<Throwable> failed = createAsyncCallback(this::failStage);
    private final Runnable wake = () -> more.invoke(0L);

    Logic() {
      super(ProgressWatch.this.shape());
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              long wait = GATHER.toNanos() - (System.nanoTime() - lastPush);
              if (wait <= 0) {
                ask();
              } else {
                scheduleOnce("gather", Duration.ofNanos(wait));
              }
            }
          });
    }

    @Override
    public void preStart() {
      log.ended().thenRun(() -> more.invoke(0L));
    }

    @Override
    public void onTimer(Object key) {
      ask();
    }

    private void ask() {
      if (!asking && isAvailable(out)) {
        asking = true;
        log.whenMore(position, wake);
      }
    }

    private void read() {
      if (reading || !isAvailable(out) || isClosed(out)) {
        return;
      }
      try {
        if (log.isInMemory(position)) {
          push(log.read(position));
          return;
        }
      } catch (IOException e) {
        failStage(e);
        return;
      }
      reading = true;
      long from = position;
      Blocking.start("progress", () -> log.read(from))
          .done()
          .whenComplete((chunk, error) -> {
            if (error != null) {
              failed.invoke(error);
            } else {
              got.invoke(chunk);
            }
          });
    }

    private void push(Chunk chunk) {
      boolean flood = reading; // what comes too fast for memory is in the file
      asking = false;
      reading = false;
      if (chunk.next() > position && isAvailable(out)) {
        position = chunk.next();
        if (!flood) {
          lastPush = System.nanoTime();
        }
        push(out, chunk.bytes());
      } else if (!chunk.last()) {
        ask();
      }
      if (chunk.last()) {
        completeStage();
      }
    }

    @Override
    public void postStop() {
      log.forget(wake);
    }
  }
}
