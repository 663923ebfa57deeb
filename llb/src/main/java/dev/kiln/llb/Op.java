package dev.kiln.llb;

/**
 * What a vertex does, as data; how it is keyed and run is its runner's business. Each op mirrors
 * one message of BuildKit v0.22.0, {@code solver/pb/ops.proto}. Immutable.
 */
public sealed interface Op permits SourceOp, ExecOp, FileOp, BuildOp, MergeOp, DiffOp {}
