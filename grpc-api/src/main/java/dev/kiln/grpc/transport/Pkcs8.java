package dev.kiln.grpc.transport;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The older PEM forms of a private key, PKCS#1 and SEC 1 (RFC 8017, RFC 5915), dressed as PKCS#8
 * (RFC 5208), the only form that the JDK reads.
 */
final class Pkcs8 {
  private static final HexFormat HEX = HexFormat.of();

  /** Version 0 and rsaEncryption with null parameters. */
  private static final byte[] RSA = HEX.parseHex("020100300d06092a864886f70d0101010500");

  private static final byte[] EC_OID = HEX.parseHex("06072a8648ce3d0201");

  private Pkcs8() {}

  static byte[] wrapRsa(byte[] pkcs1) {
    return sequence(concat(RSA, tagged(0x04, pkcs1)));
  }

  /** The curve stands inside the SEC 1 key, under context tag 0. */
  static byte[] wrapEc(byte[] sec1) throws GeneralSecurityException {
    byte[] curve = curve(sec1);
    byte[] algorithm = sequence(concat(EC_OID, curve));
    return sequence(concat(concat(HEX.parseHex("020100"), algorithm), tagged(0x04, sec1)));
  }

  private static byte[] curve(byte[] sec1) throws GeneralSecurityException {
    int at = skipToParameters(sec1);
    if (at + 3 >= sec1.length || (sec1[at] & 0xff) != 0xa0 || sec1[at + 2] != 0x06) {
      throw new GeneralSecurityException("an EC private key without a named curve");
    }
    return Arrays.copyOfRange(sec1, at + 2, at + 4 + sec1[at + 3]);
  }

  /** Offset behind SEQUENCE header, INTEGER 1 and the OCTET STRING of the key. */
  private static int skipToParameters(byte[] sec1) {
    int at = (sec1[1] & 0x80) == 0 ? 2 : 2 + (sec1[1] & 0x7f);
    at += 3;
    return at + 2 + (sec1[at + 1] & 0xff);
  }

  private static byte[] sequence(byte[] content) {
    return tagged(0x30, content);
  }

  private static byte[] tagged(int tag, byte[] content) {
    var out = new ByteArrayOutputStream();
    out.write(tag);
    if (content.length < 0x80) {
      out.write(content.length);
    } else if (content.length < 0x100) {
      out.write(0x81);
      out.write(content.length);
    } else {
      out.write(0x82);
      out.write(content.length >> 8);
      out.write(content.length);
    }
    out.writeBytes(content);
    return out.toByteArray();
  }

  private static byte[] concat(byte[] first, byte[] second) {
    var out = new ByteArrayOutputStream();
    out.writeBytes(first);
    out.writeBytes(second);
    return out.toByteArray();
  }
}
