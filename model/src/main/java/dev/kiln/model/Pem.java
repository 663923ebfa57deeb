package dev.kiln.model;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Private keys from PEM texts: PKCS #8, RSA's PKCS #1 and SEC 1's EC form; the JDK reads only the
 * first, so the others are put into its envelope. Sources: RFC 7468, RFC 5958, RFC 8017, RFC 5915.
 * Stateless.
 */
public final class Pem {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z ]*)PRIVATE KEY-----(.*?)-----END", Pattern.DOTALL);

  /** AlgorithmIdentifier of rsaEncryption. */
  private static final byte[] RSA = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1, 5, 0
  };

  /** Object identifier of ecPublicKey. */
  private static final byte[] EC = {6, 7, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

  private static final byte[] VERSION_0 = {2, 1, 0};

  private Pem() {}

  /**
   * The first private key in the text.
   *
   * @throws GeneralSecurityException where there is none, or none of a kind that the JDK knows; its
   *     message holds nothing of the key
   */
  public static PrivateKey privateKey(String pem) throws GeneralSecurityException {
    Matcher block = BLOCK.matcher(pem);
    if (!block.find()) {
      throw new InvalidKeySpecException("no private key in the PEM text");
    }
    byte[] der = Base64.getMimeDecoder().decode(block.group(2));
    byte[] pkcs8 =
        switch (block.group(1).strip()) {
          case "" -> der;
          case "RSA" -> sequence(VERSION_0, RSA, tagged(0x04, der));
          case "EC" -> sequence(VERSION_0, sequence(EC, curve(der)), tagged(0x04, der));
          default ->
              throw new InvalidKeySpecException(
                  "unsupported PEM " + block.group(1) + "PRIVATE KEY");
        };
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (InvalidKeySpecException e) {
        // another algorithm's key
      }
    }
    throw new InvalidKeySpecException("unsupported kind of private key");
  }

  /** Whether a certificate's key verifies what the private one signs. */
  public static boolean isPair(PrivateKey key, PublicKey certified) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    byte[] text = {1};
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(text);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false; // of another algorithm or length
    }
  }

  /** The curve's object identifier, in the field tagged 0 of an ECPrivateKey. */
  private static byte[] curve(byte[] der) throws InvalidKeySpecException {
    for (int i = 0; i + 3 < der.length; i++) {
      if (der[i] == (byte) 0xa0 && der[i + 2] == 6 && der[i + 1] == der[i + 3] + 2) {
        return Arrays.copyOfRange(der, i + 2, i + 2 + der[i + 1]);
      }
    }
    throw new InvalidKeySpecException("EC private key without its curve");
  }

  private static byte[] sequence(byte[]... parts) {
    var content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    return tagged(0x30, content.toByteArray());
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
}
