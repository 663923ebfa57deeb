/**
 * Statements to instructions: {@link dev.kiln.dockerfile.instruction.Instruction} is what a
 * Dockerfile can say, {@link dev.kiln.dockerfile.instruction.InstructionReader} reads one, and
 * {@link dev.kiln.dockerfile.instruction.StageList} the whole file.
 */
@NullMarked
package dev.kiln.dockerfile.instruction;

import org.jspecify.annotations.NullMarked;
