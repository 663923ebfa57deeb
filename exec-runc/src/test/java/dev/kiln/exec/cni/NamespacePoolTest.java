package dev.kiln.exec.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class NamespacePoolTest {
  /** Makes namespaces 1, 2, … and says what was asked of it. */
  private static final class Fake implements NamespacePool.Maker {
    final LinkedBlockingQueue<String> said = new LinkedBlockingQueue<>();
    final AtomicInteger made = new AtomicInteger();
    volatile CountDownLatch gate = new CountDownLatch(0);

    @Override
    public NetworkNamespace make(String hostname) throws IOException {
      said.add("make" + hostname);
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      String id = String.valueOf(made.incrementAndGet());
      return new NetworkNamespace(id, Path.of("/ns", id), hostname);
    }

    @Override
    public void remove(NetworkNamespace namespace) {
      said.add("remove " + namespace.id());
    }

    @Override
    public void close() {
      said.add("close");
    }
  }

  private final Fake fake = new Fake();

  @Test
  void theFirstIsMadeAtOnceAndLentAgain() throws Exception {
    var pool = new NamespacePool(fake, 0);
    NetworkNamespace first = pool.take("");
    NetworkNamespace second = pool.take("");
    assertThat(List.of(first.id(), second.id())).containsExactly("1", "2");
    pool.giveBack(first);
    pool.giveBack(second);
    assertThat(pool.take("")).as("the latest used").isEqualTo(second);
    pool.giveBack(second);
    pool.close();
    assertThat(fake.said).containsExactly("make", "make", "remove 1", "remove 2", "close");
  }

  @Test
  void aNameHasANamespaceOfItsOwn() throws Exception {
    try (var pool = new NamespacePool(fake, 0)) {
      NetworkNamespace named = pool.take("db");
      assertThat(named.id()).isEqualTo("2");
      pool.giveBack(named);
      assertThat(fake.said).containsExactly("make", "makedb", "remove 2");
    }
  }

  @Test
  void thePoolIsFilledAhead() throws Exception {
    try (var pool = new NamespacePool(fake, 3)) {
      for (int i = 0; i < 3; i++) {
        assertThat(fake.said.take()).isEqualTo("make");
      }
    }
    assertThat(fake.said).hasSize(4).endsWith("close"); // three removed
  }

  @Test
  void whatIsIdleTooLongGoesDownToTheTarget() throws Exception {
    try (var pool = new NamespacePool(fake, 1)) {
      NetworkNamespace first = pool.take("");
      NetworkNamespace second = pool.take("");
      pool.giveBack(first);
      pool.giveBack(second);
      pool.shrink(Instant.now().plusSeconds(299));
      assertThat(fake.said).containsExactly("make", "make");
      pool.shrink(Instant.now().plusSeconds(301));
      assertThat(fake.said).containsExactly("make", "make", "remove 1");
    }
  }

  @Test
  void aCancelledStepLeavesItsNamespaceToThePool() throws Exception {
    var pool = new NamespacePool(fake, 0);
    NetworkNamespace first = pool.take("");
    fake.said.clear();
    fake.gate = new CountDownLatch(1);
    var step = Blocking.onPlatform("step", () -> pool.take(""));
    assertThat(fake.said.take()).isEqualTo("make");
    step.interrupt();
    assertThatThrownBy(() -> step.done().toCompletableFuture().get())
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(InterruptedException.class);
    fake.gate.countDown();
    pool.giveBack(first);
    pool.close(); // waits for what is being made
    assertThat(fake.said).containsExactlyInAnyOrder("remove 1", "remove 2", "close");
    assertThatThrownBy(() -> pool.take("")).hasMessageContaining("the daemon is stopping");
  }

  @Test
  void aNetworkThatDoesNotWorkIsKnownAtOnce() {
    var broken =
        new NamespacePool.Maker() {
          boolean closed;

          @Override
          public NetworkNamespace make(String hostname) {
            throw new BuildException(Kind.UNKNOWN, "no bridge");
          }

          @Override
          public void remove(NetworkNamespace namespace) {}

          @Override
          public void close() {
            closed = true;
          }
        };
    assertThatThrownBy(() -> new NamespacePool(broken, 0)).hasMessage("no bridge");
    assertThat(broken.closed).isTrue();
  }
}
