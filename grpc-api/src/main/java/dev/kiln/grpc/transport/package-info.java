/**
 * gRPC on the wire: {@link dev.kiln.grpc.transport.GrpcServer} serves services over sockets and any
 * other bytes, {@link dev.kiln.grpc.transport.Handlers} joins their methods to grpc-java's server,
 * {@link dev.kiln.grpc.transport.Call} is what a handler sees of the call it answers.
 */
@NullMarked
package dev.kiln.grpc.transport;

import org.jspecify.annotations.NullMarked;
