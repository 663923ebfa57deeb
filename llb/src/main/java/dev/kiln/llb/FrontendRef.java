package dev.kiln.llb;

import dev.kiln.grpc.fsutil.Stat;
import dev.kiln.grpc.pb.Definition;
import java.util.List;

/**
 * One file system of a result, built when it is first read. All methods but {@link #definition} may
 * block; any thread. Failures are {@link dev.kiln.model.BuildException}s.
 */
public interface FrontendRef {
  /**
   * Bytes of a file.
   *
   * @param length -1 for all from {@code offset}
   */
  byte[] readFile(String path, long offset, long length) throws InterruptedException;

  /**
   * @param includePattern a pattern that names must match, empty for all
   */
  List<Stat> readDir(String path, String includePattern) throws InterruptedException;

  Stat statFile(String path) throws InterruptedException;

  /** Builds the ref now. */
  void evaluate() throws InterruptedException;

  /** The definition that the ref is the result of. */
  Definition definition();
}
