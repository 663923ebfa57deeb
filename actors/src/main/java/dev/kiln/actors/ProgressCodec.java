package dev.kiln.actors;

import dev.kiln.model.Progress;
import java.util.List;

/**
 * Writes progress events in the wire's form. Any thread. Two encodings one after the other must
 * decode as one with the events of both, as protobuf messages with only repeated fields do.
 */
@FunctionalInterface
public interface ProgressCodec {
  byte[] encode(List<Progress> events);
}
