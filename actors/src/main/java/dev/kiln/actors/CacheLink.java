package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.Optional;

/**
 * How a key leads to another one: by being the key of input {@code input} (of which {@code
 * selector} counts) of an op keyed {@code digest}, to the key of that op's output. Immutable.
 */
public record CacheLink(int input, KeyDigest digest, int output, Optional<Digest> selector) {}
