package dev.kiln.grpc.transport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * TLS engines for a server, from PEM files read once: HTTP/2 only (ALPN {@code h2}), TLS 1.2 or
 * later; with an authority, a client certificate signed by it is required.
 */
public final class TlsFiles {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([^-]+)-----END");

  private TlsFiles() {}

  /** Makes an engine per connection. The key's bytes stay in memory only. */
  public static Supplier<SSLEngine> serverEngines(Path cert, Path key, Optional<Path> authority)
      throws IOException, GeneralSecurityException {
    char[] noPassword = new char[0];
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, noPassword);
    own.setKeyEntry(
        "server", privateKey(key), noPassword, certificates(cert).toArray(Certificate[]::new));
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, noPassword);
    TrustManager[] trust = new TrustManager[0];
    if (authority.isPresent()) {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, noPassword);
      int count = 0;
      for (Certificate certificate : certificates(authority.get())) {
        trusted.setCertificateEntry("ca-" + count++, certificate);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(trusted);
      trust = factory.getTrustManagers();
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust, null);
    boolean clientCertificates = authority.isPresent();
    return () -> {
      SSLEngine engine = context.createSSLEngine();
      engine.setUseClientMode(false);
      engine.setNeedClientAuth(clientCertificates);
      var parameters = engine.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"h2"});
      parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
      engine.setSSLParameters(parameters);
      return engine;
    };
  }

  private static Collection<? extends Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    try (InputStream in = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(in);
    }
  }

  private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
    Matcher matcher = KEY.matcher(Files.readString(file, StandardCharsets.US_ASCII));
    if (!matcher.find()) {
      throw new GeneralSecurityException("no PEM private key in " + file);
    }
    byte[] der = Base64.getMimeDecoder().decode(matcher.group(2).strip());
    var spec =
        switch (matcher.group(1)) {
          case "PRIVATE KEY" -> der;
          case "RSA PRIVATE KEY" -> Pkcs8.wrapRsa(der);
          default -> Pkcs8.wrapEc(der);
        };
    Optional<GeneralSecurityException> last = Optional.empty();
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(spec));
      } catch (GeneralSecurityException e) {
        last = Optional.of(e);
      }
    }
    Arrays.fill(der, (byte) 0);
    throw last.orElseThrow();
  }
}
