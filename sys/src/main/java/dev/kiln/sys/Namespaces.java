package dev.kiln.sys;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Work in namespaces of its own. Namespaces belong to an OS thread, so the work always runs on a
 * platform thread that ends with it; a virtual thread would leave its carrier there.
 */
public final class Namespaces {
  public static final int CLONE_FS = 0x00000200;
  public static final int CLONE_NEWNS = 0x00020000;
  public static final int CLONE_NEWCGROUP = 0x02000000;
  public static final int CLONE_NEWUTS = 0x04000000;
  public static final int CLONE_NEWIPC = 0x08000000;
  public static final int CLONE_NEWUSER = 0x10000000;
  public static final int CLONE_NEWPID = 0x20000000;
  public static final int CLONE_NEWNET = 0x40000000;

  private Namespaces() {}

  /** Moves the calling thread: only inside the work of {@link #onThrowAwayThread}. */
  public static void unshare(int flags) throws SyscallException {
    refuseVirtual();
    Libc.call(Sysno.UNSHARE, "", flags, 0, 0);
  }

  /**
   * Moves the calling thread: only inside the work of {@link #onThrowAwayThread}. A mount namespace
   * needs {@code unshare(CLONE_FS)} first.
   */
  public static void setns(Fd namespace, int type) throws SyscallException {
    refuseVirtual();
    Libc.call(Sysno.SETNS, namespace.about(), namespace.number(), type, 0);
  }

  private static void refuseVirtual() {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a virtual thread's carrier would stay in the namespace");
    }
  }

  /** Runs {@code work} on a new platform thread that ends afterwards, and waits for it. */
  public static <T> T onThrowAwayThread(String name, Callable<T> work) throws Exception {
    var done = new CompletableFuture<T>();
    Thread thread =
        Thread.ofPlatform()
            .name(name)
            .daemon()
            .start(() -> {
              try {
                done.complete(work.call());
              } catch (Throwable e) { // whatever ends the work ends the wait
                done.completeExceptionally(e);
              }
            });
    try {
      return done.get();
    } catch (InterruptedException e) {
      thread.interrupt();
      throw e;
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case Exception cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw e;
      }
    }
  }
}
