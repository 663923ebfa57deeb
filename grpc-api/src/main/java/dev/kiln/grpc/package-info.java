/**
 * The wire contract's own code: the error codec {@link dev.kiln.grpc.GrpcErrors}. Generated
 * messages lie in the packages below, the HTTP/2 server in {@code transport}.
 */
@NullMarked
package dev.kiln.grpc;

import org.jspecify.annotations.NullMarked;
