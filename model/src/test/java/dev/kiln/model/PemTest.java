package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.util.Arrays;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PemTest {
  /** One throw-away key as {@code openssl ecparam -genkey} and {@code openssl pkcs8} write it. */
  private static final String SEC1 =
      """
      MHcCAQEEICBR/d3PbdUNVqnEIWb3Fv//EjndeXg+zX0oI74xq4tgoAoGCCqGSM49
      AwEHoUQDQgAEdQeBQZGvAerA/0t7EatA5SWn2bLwp3tFPoGw8dd3U96zaYx2w5cJ
      SvuZn/mnZXO6Nz3FcRwe3Dq8xVNYA9ZB7w==
      """;

  private static final String SEC1_IN_PKCS8 =
      """
      MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIFH93c9t1Q1WqcQh
      ZvcW//8SOd15eD7NfSgjvjGri2ChRANCAAR1B4FBka8B6sD/S3sRq0DlJafZsvCn
      e0U+gbDx13dT3rNpjHbDlwlK+5mf+adlc7o3PcVxHB7cOrzFU1gD1kHv
      """;

  @Test
  void ecKeyReadsTheSameInBothForms() throws Exception {
    var older = (ECPrivateKey) Pem.privateKey(pem("EC PRIVATE KEY", SEC1));
    var newer = (ECPrivateKey) Pem.privateKey(pem("PRIVATE KEY", SEC1_IN_PKCS8));
    assertThat(older.getS()).isEqualTo(newer.getS());
    assertThat(older.getParams().getOrder()).isEqualTo(newer.getParams().getOrder());
  }

  @ParameterizedTest
  @ValueSource(ints = {1024, 2048})
  void rsaKeyReadsTheSameInBothForms(int bits) throws Exception {
    var generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(bits);
    PrivateKey key = generator.generateKeyPair().getPrivate();
    byte[] pkcs8 = key.getEncoded();
    // SEQUENCE and its length, version, algorithm, OCTET STRING and its length; then the older
    // form.
    byte[] pkcs1 = Arrays.copyOfRange(pkcs8, 4 + 3 + 15 + 4, pkcs8.length);

    assertThat(Pem.privateKey(pem("PRIVATE KEY", encode(pkcs8)))).isEqualTo(key);
    assertThat(Pem.privateKey(pem("RSA PRIVATE KEY", encode(pkcs1)))).isEqualTo(key);
  }

  @Test
  void ed25519KeyIsRead() throws Exception {
    PrivateKey key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate();
    assertThat(Pem.privateKey(pem("PRIVATE KEY", encode(key.getEncoded())))).isEqualTo(key);
  }

  @Test
  void keyBehindOtherBlocksIsFound() throws Exception {
    String text = pem("EC PARAMETERS", "BggqhkjOPQMBBw==\n") + pem("EC PRIVATE KEY", SEC1);
    assertThat(Pem.privateKey(text).getAlgorithm()).isEqualTo("EC");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "DSA PRIVATE KEY"})
  void whatIsNoKeyIsRefusedWithoutItsText(String label) {
    assertThatThrownBy(() -> Pem.privateKey(pem(label, "c2VjcmV0\n")))
        .isInstanceOf(GeneralSecurityException.class)
        .hasMessageNotContaining("secret")
        .hasMessageNotContaining("c2VjcmV0");
    assertThatThrownBy(() -> Pem.privateKey("nothing"))
        .isInstanceOf(GeneralSecurityException.class);
  }

  private static String encode(byte[] der) {
    return Base64.getMimeEncoder().encodeToString(der) + "\n";
  }

  private static String pem(String label, String base64) {
    return "-----BEGIN " + label + "-----\n" + base64 + "-----END " + label + "-----\n";
  }
}
