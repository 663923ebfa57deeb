package dev.kiln.dockerfile.context;

import com.google.re2j.Pattern;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Optional;

/** IP addresses as text, in the one spelling of RFC 5952, which Go prints. Pure. */
final class IpText {
  private IpText() {}

  /** The canonical spelling; empty for what is no IP address. */
  static Optional<String> canonical(String text) {
    boolean v4 = text.indexOf(':') < 0;
    if (text.contains("%")
        || text.contains("[")
        || v4 && !Pattern.matches("\\d+(\\.\\d+){3}", text)) {
      return Optional.empty();
    }
    try {
      InetAddress address = InetAddress.ofLiteral(text);
      return Optional.of(
          address instanceof Inet6Address
              ? shortened(address.getAddress())
              : address.getHostAddress());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static String shortened(byte[] bytes) {
    int[] groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = (bytes[2 * i] & 0xff) << 8 | bytes[2 * i + 1] & 0xff;
    }
    int runStart = -1;
    int runLength = 1; // a single zero is not shortened
    for (int i = 0; i < 8; i++) {
      int length = 0;
      while (i + length < 8 && groups[i + length] == 0) {
        length++;
      }
      if (length > runLength) {
        runStart = i;
        runLength = length;
      }
    }
    var out = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      if (i == runStart) {
        out.append("::");
        i += runLength - 1;
        continue;
      }
      if (!out.isEmpty() && out.charAt(out.length() - 1) != ':') {
        out.append(':');
      }
      out.append(Integer.toHexString(groups[i]));
    }
    return out.toString();
  }
}
