package dev.kiln.exec;

import dev.kiln.exec.ContainerSpec.NetworkMode;
import dev.kiln.exec.cni.NamespacePool;
import dev.kiln.exec.cni.NetworkNamespace;
import java.nio.file.Path;

/** Decides what each mode of a step means on this worker. Any thread. */
@FunctionalInterface
public interface Networks {
  /** A network for one container; the executor closes it after the container's end. */
  Network open(NetworkMode mode, String hostname) throws InterruptedException;

  /** The sandbox is the host's network. */
  static Networks hostByDefault() {
    return (mode, _) ->
        switch (mode) {
          case SANDBOX, HOST -> new Network.Host();
          case NONE -> new Network.None();
        };
  }

  /** The sandbox is a loopback interface alone. */
  static Networks noneByDefault() {
    return (mode, _) ->
        switch (mode) {
          case HOST -> new Network.Host();
          case SANDBOX, NONE -> new Network.None();
        };
  }

  /** The sandbox is a namespace of the pool; a name other than the usual has one of its own. */
  static Networks of(NamespacePool pool) {
    return (mode, hostname) ->
        switch (mode) {
          case HOST -> new Network.Host();
          case NONE -> new Network.None();
          case SANDBOX -> {
            NetworkNamespace taken =
                pool.take(hostname.equals(ContainerSpec.DEFAULT_HOSTNAME) ? "" : hostname);
            yield new Network.Namespace(taken.path(), () -> pool.giveBack(taken));
          }
        };
  }

  /** The network of one container. */
  sealed interface Network extends AutoCloseable {
    @Override
    default void close() {}

    /** Shares the host's. */
    record Host() implements Network {}

    /** A new namespace with a loopback interface alone. */
    record None() implements Network {}

    /** A namespace made before, pinned at {@code path}; {@code release} gives it back. */
    record Namespace(Path path, Runnable release) implements Network {
      @Override
      public void close() {
        release.run();
      }
    }
  }
}
