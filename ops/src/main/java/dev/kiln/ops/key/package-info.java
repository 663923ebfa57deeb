/**
 * What keys of ops are made of. Start with {@link dev.kiln.ops.key.Selectors}, the part of an input
 * that counts, and {@link dev.kiln.model.GoJson}, in which ops are hashed.
 */
@NullMarked
package dev.kiln.ops.key;

import org.jspecify.annotations.NullMarked;
