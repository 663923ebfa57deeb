package dev.kiln.registry.hostile;

import dev.kiln.registry.hostile.HostileServer.Request;
import dev.kiln.registry.hostile.HostileServer.Wire;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;

/** One way in which a server answers badly, where it should answer with a content. Stateless. */
public enum Fault {
  /** Bytes without end. */
  ENDLESS_BODY {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.head(200, "Content-Type: " + type);
      byte[] more = new byte[1 << 16];
      for (wire.bytes(right); ; wire.bytes(more)) {}
    }
  },
  /** One byte now and then, for ever. */
  SLOW_BODY {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type)
        throws IOException, InterruptedException {
      wire.head(200, "Content-Type: " + type, "Content-Length: 1000000000");
      for (; ; Thread.sleep(20)) {
        wire.bytes(new byte[] {' '});
      }
    }
  },
  /** Half of it, and then nothing. */
  STALLED_BODY {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type)
        throws IOException, InterruptedException {
      wire.head(200, "Content-Type: " + type, "Content-Length: " + right.length);
      wire.bytes(Arrays.copyOf(right, right.length / 2));
      Thread.sleep(Long.MAX_VALUE);
    }
  },
  /** No answer at all. */
  SILENCE {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws InterruptedException {
      Thread.sleep(Long.MAX_VALUE);
    }
  },
  LONGER_BODY {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(200, Arrays.copyOf(right, right.length + 1), "Content-Type: " + type);
    }
  },
  SHORTER_BODY {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(200, Arrays.copyOf(right, right.length - 1), "Content-Type: " + type);
    }
  },
  /** The connection ends in the middle of the body. */
  CUT_BODY {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.head(200, "Content-Type: " + type, "Content-Length: " + right.length);
      wire.bytes(Arrays.copyOf(right, right.length / 2));
    }
  },
  /** The connection ends in the middle of the headers. */
  CUT_HEAD {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.text("HTTP/1.1 200 OK\r\nContent-Le");
    }
  },
  CUT_AT_ONCE {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) {}
  },
  NO_HTTP {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.text("220 mail.example.com ESMTP\r\n");
    }
  },
  OTHER_CONTENT {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      byte[] other = right.clone();
      Arrays.fill(other, (byte) ' ');
      wire.whole(200, other, "Content-Type: " + type);
    }
  },
  PAGE {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(200, bytes("<html>Log in first</html>"), "Content-Type: text/html");
    }
  },
  /** Little on the wire, much when unpacked. */
  COMPRESSED_BOMB {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(200, BOMB, "Content-Type: " + type, "Content-Encoding: gzip");
    }
  },
  DEEP_JSON {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(200, bytes("{\"manifests\":".repeat(100_000)), "Content-Type: " + type);
    }
  },
  REDIRECT_LOOP {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(307, new byte[0], "Location: " + request.target());
    }
  },
  REDIRECT_TO_A_FILE {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(302, new byte[0], "Location: file:///etc/passwd");
    }
  },
  REDIRECT_TO_NO_ADDRESS {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(302, new byte[0], "Location: http://[::1%zz]:x y/");
    }
  },
  UNAUTHORIZED_FOR_EVER {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(
          401,
          bytes("{}"),
          "WWW-Authenticate: Bearer realm=\"http://"
              + request.headers().get("host")
              + "/fine-token\",service=\"s\",scope=\"repository:a/b:pull\"");
    }
  },
  UNAUTHORIZED_WITHOUT_A_WORD {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(401, new byte[0]);
    }
  },
  REALM_WITHOUT_SENSE {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(401, new byte[0], "WWW-Authenticate: Bearer realm=\"gopher:// %zz\"");
    }
  },
  FAILS_FOR_EVER {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(500, bytes("oops"));
    }
  },
  COME_BACK_IN_YEARS {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(429, new byte[0], "Retry-After: 99999999999999999999");
    }
  },
  LARGE_HEADER {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.whole(200, right, "X-Filler: " + "x".repeat(8 << 20), "Content-Type: " + type);
    }
  },
  HEADERS_WITHOUT_END {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type) throws IOException {
      wire.text("HTTP/1.1 200 OK\r\n");
      for (int i = 0; ; i++) {
        wire.text("X-" + i + ": " + "y".repeat(1000) + "\r\n");
      }
    }
  },
  INTERIM_ANSWERS_WITHOUT_END {
    @Override
    void answer(Request request, Wire wire, byte[] right, String type)
        throws IOException, InterruptedException {
      for (; ; Thread.sleep(1)) {
        wire.text("HTTP/1.1 102 Processing\r\n\r\n");
      }
    }
  };

  /**
   * Answers.
   *
   * @param right what should be answered
   */
  abstract void answer(Request request, Wire wire, byte[] right, String type)
      throws IOException, InterruptedException;

  private static final byte[] BOMB = bomb();

  private static byte[] bomb() {
    var zipped = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(zipped)) {
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 100; i++) {
        out.write(zeros);
      }
    } catch (IOException e) {
      throw new AssertionError("writing to memory", e);
    }
    return zipped.toByteArray();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
