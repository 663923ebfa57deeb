package dev.kiln.llb;

import java.util.OptionalInt;

/** What {@code upper} adds to {@code lower}: indexes of inputs, absent is the empty file system. */
public record DiffOp(OptionalInt lower, OptionalInt upper) implements Op {}
