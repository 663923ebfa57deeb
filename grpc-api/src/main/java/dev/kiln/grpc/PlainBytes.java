package dev.kiln.grpc;

import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * Messages as the bytes that they are on the wire, for calls whose messages are of several types or
 * of none. The transport bounds their size. Stateless, any thread.
 */
public enum PlainBytes implements MethodDescriptor.Marshaller<byte[]> {
  MARSHALLER;

  /** Takes the array over: it is not to be changed any more. */
  @Override
  public InputStream stream(byte[] message) {
    return new ByteArrayInputStream(message);
  }

  @Override
  public byte[] parse(InputStream message) {
    try {
      return message.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
