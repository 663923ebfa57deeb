package dev.kiln.grpc.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says of a connection that came to nothing who made it and why: a TLS handshake that failed, or a
 * first byte that is not HTTP/2's. Silent on those that send nothing, as checks of health do. One a
 * connection, first in its pipeline; takes itself out.
 */
final class HandshakeLog extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(HandshakeLog.class);

  /** RFC 9113, section 3.4. */
  private static final byte[] PREFACE = "PRI * HTTP/2.0".getBytes(StandardCharsets.US_ASCII);

  /** First byte of a TLS handshake record (RFC 8446, section 5.1). */
  private static final byte TLS = 0x16;

  private final SocketAddress listener;

  HandshakeLog(SocketAddress listener) {
    this.listener = listener;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    SslHandler tls = context.pipeline().get(SslHandler.class);
    SocketAddress peer = context.channel().remoteAddress();
    if (tls != null) {
      tls.handshakeFuture()
          .addListener(done -> {
            if (!done.isSuccess()) {
              say(peer, String.valueOf(done.cause().getMessage()));
            }
          });
    } else if (message instanceof ByteBuf bytes && !begins(bytes)) {
      say(
          peer,
          bytes.getByte(bytes.readerIndex()) == TLS
              ? "the client speaks TLS, this address does not"
              : "the client does not speak HTTP/2");
    }
    context.pipeline().remove(this);
    context.fireChannelRead(message);
  }

  private static boolean begins(ByteBuf bytes) {
    int length = Math.min(bytes.readableBytes(), PREFACE.length);
    for (int i = 0; i < length; i++) {
      if (bytes.getByte(bytes.readerIndex() + i) != PREFACE[i]) {
        return false;
      }
    }
    return true;
  }

  private void say(SocketAddress peer, String reason) {
    LOG.atInfo()
        .addKeyValue("listener", Addresses.shown(listener))
        .addKeyValue("peer", Addresses.shown(peer))
        .addKeyValue("reason", reason)
        .log("failed handshake");
  }
}
