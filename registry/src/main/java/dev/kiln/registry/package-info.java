/**
 * OCI distribution as a client: resolve, pull, push, and what proves who asks. Start with {@link
 * dev.kiln.registry.Registry} and {@link dev.kiln.registry.Credentials}.
 */
@NullMarked
package dev.kiln.registry;

import org.jspecify.annotations.NullMarked;
