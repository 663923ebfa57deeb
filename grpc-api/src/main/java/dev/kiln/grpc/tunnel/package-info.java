/**
 * An HTTP/2 connection over the bytes of a stream: {@link dev.kiln.grpc.tunnel.TunnelChannel} is
 * netty's side, {@link dev.kiln.grpc.tunnel.BytePipe} the port to whoever carries the bytes.
 */
@NullMarked
package dev.kiln.grpc.tunnel;

import org.jspecify.annotations.NullMarked;
