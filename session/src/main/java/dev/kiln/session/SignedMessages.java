package dev.kiln.session;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/**
 * NaCl's signed messages: an Ed25519 signature of 64 bytes, then the message. Stateless, any
 * thread.
 */
public final class SignedMessages {
  private static final int SIGNATURE_BYTES = 64;

  private SignedMessages() {}

  /** Whether {@code signed} is {@code message} signed by the key's owner. */
  public static boolean verify(byte[] publicKey, byte[] signed, byte[] message) {
    if (signed.length != SIGNATURE_BYTES + message.length) {
      return false;
    }
    byte[] said = Arrays.copyOfRange(signed, SIGNATURE_BYTES, signed.length);
    if (!MessageDigest.isEqual(said, message)) {
      return false;
    }
    try {
      Signature verifier = Signature.getInstance("Ed25519");
      verifier.initVerify(publicKey(publicKey));
      verifier.update(message);
      return verifier.verify(signed, 0, SIGNATURE_BYTES);
    } catch (GeneralSecurityException e) {
      return false; // a key or signature that is none proves nothing
    }
  }

  /** {@code message} behind its signature by the key whose 32-byte seed this is. */
  public static byte[] sign(byte[] seed, byte[] message) {
    try {
      PrivateKey key =
          KeyFactory.getInstance("Ed25519")
              .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed));
      Signature signer = Signature.getInstance("Ed25519");
      signer.initSign(key);
      signer.update(message);
      byte[] signed = Arrays.copyOf(signer.sign(), SIGNATURE_BYTES + message.length);
      System.arraycopy(message, 0, signed, SIGNATURE_BYTES, message.length);
      return signed;
    } catch (GeneralSecurityException e) {
      throw new BuildException(Kind.INTERNAL, "cannot sign with Ed25519", e);
    }
  }

  // RFC 8032, 5.1.2: the y coordinate in little endian, the top bit being the parity of x.
  private static PublicKey publicKey(byte[] raw) throws GeneralSecurityException {
    byte[] y = raw.clone();
    boolean xOdd = (y[y.length - 1] & 0x80) != 0;
    y[y.length - 1] &= 0x7f;
    for (int i = 0; i < y.length / 2; i++) {
      byte b = y[i];
      y[i] = y[y.length - 1 - i];
      y[y.length - 1 - i] = b;
    }
    var point = new EdECPoint(xOdd, new BigInteger(1, y));
    return KeyFactory.getInstance("Ed25519")
        .generatePublic(new EdECPublicKeySpec(NamedParameterSpec.ED25519, point));
  }
}
