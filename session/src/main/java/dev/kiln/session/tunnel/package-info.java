/**
 * An HTTP/2 connection over the bytes of a stream: {@link dev.kiln.session.tunnel.TunnelChannel} is
 * netty's side, {@link dev.kiln.session.tunnel.BytePipe} the port to whoever carries the bytes.
 */
@NullMarked
package dev.kiln.session.tunnel;

import org.jspecify.annotations.NullMarked;
