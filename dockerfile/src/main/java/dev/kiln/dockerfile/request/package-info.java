/**
 * Questions about a Dockerfile that build nothing ({@code requestid}, features 4.8). Start at
 * {@link dev.kiln.dockerfile.request.Subrequests}.
 */
@NullMarked
package dev.kiln.dockerfile.request;

import org.jspecify.annotations.NullMarked;
