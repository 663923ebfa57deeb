package dev.kiln.sys;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Streams over an {@link Fd}. One thread at a time; closing one closes its descriptor. */
final class FdStreams {
  private FdStreams() {}

  static final class Input extends InputStream {
    private final Fd fd;

    Input(Fd fd) {
      this.fd = fd;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      return fd.read(to, offset, length);
    }

    @Override
    public void close() {
      fd.close();
    }
  }

  static final class Output extends OutputStream {
    private final Fd fd;

    Output(Fd fd) {
      this.fd = fd;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      fd.write(from, offset, length);
    }

    @Override
    public void close() {
      fd.close();
    }
  }
}
