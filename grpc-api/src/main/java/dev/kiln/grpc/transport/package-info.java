/**
 * gRPC's HTTP/2 transport: {@link dev.kiln.grpc.transport.GrpcServer} serves services over any byte
 * stream, {@link dev.kiln.grpc.transport.SocketListener} accepts unix and TCP connections for it,
 * {@link dev.kiln.grpc.transport.Call} is what a handler sees of the call it answers.
 */
@NullMarked
package dev.kiln.grpc.transport;

import org.jspecify.annotations.NullMarked;
