/**
 * Questions about a Dockerfile that build nothing ({@code requestid}; docs/compatibility.md,
 * Subrequests). Start at {@link dev.kiln.dockerfile.request.Subrequests}.
 */
@NullMarked
package dev.kiln.dockerfile.request;

import org.jspecify.annotations.NullMarked;
