package dev.kiln.model;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One event of a build's progress, as its watchers see it. Immutable (the arrays are never written
 * to).
 */
public sealed interface Progress {
  /** The vertex that the event is about. */
  Digest vertex();

  /**
   * State of a vertex. It may start and complete several times (key, load, run). {@code error} is
   * empty where there is none.
   */
  record VertexState(
      Digest vertex,
      List<Digest> inputs,
      String name,
      boolean cached,
      Optional<Instant> started,
      Optional<Instant> completed,
      String error,
      Optional<ProgressGroup> group)
      implements Progress {
    public VertexState {
      inputs = List.copyOf(inputs);
    }
  }

  /** Progress of a part of a vertex, such as one layer; {@code total} is 0 where it is unknown. */
  record Status(
      Digest vertex,
      String id,
      String name,
      long current,
      long total,
      Instant timestamp,
      Optional<Instant> started,
      Optional<Instant> completed)
      implements Progress {}

  /** Bytes that a step wrote; {@code stream} is 1 for stdout, 2 for stderr. */
  record Log(Digest vertex, int stream, byte[] message, Instant timestamp) implements Progress {}

  /** Advice to the user; {@code url} is empty where there is none. */
  record Warning(
      Digest vertex,
      int level,
      String summary,
      List<String> detail,
      String url,
      Optional<SourceInfo> info,
      List<SourceRange> ranges)
      implements Progress {
    public Warning {
      detail = List.copyOf(detail);
      ranges = List.copyOf(ranges);
    }
  }

  /** Several vertices shown as one; {@code weak} holds only while others are shown too. */
  record ProgressGroup(String id, String name, boolean weak) {}
}
