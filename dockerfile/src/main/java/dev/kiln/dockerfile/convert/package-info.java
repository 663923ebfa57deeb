/**
 * A Dockerfile to LLB: {@link dev.kiln.dockerfile.convert.Converter} plans the stages and what they
 * stand on, {@link dev.kiln.dockerfile.convert.StageBuilder} carries out one stage's instructions.
 */
@NullMarked
package dev.kiln.dockerfile.convert;

import org.jspecify.annotations.NullMarked;
