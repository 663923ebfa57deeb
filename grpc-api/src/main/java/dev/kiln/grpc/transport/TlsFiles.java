package dev.kiln.grpc.transport;

import dev.kiln.model.Pem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Supplier;
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
  private TlsFiles() {}

  /** Makes an engine per connection. The key's bytes stay in memory only. */
  public static Supplier<SSLEngine> serverEngines(Path cert, Path key, Optional<Path> authority)
      throws IOException, GeneralSecurityException {
    char[] noPassword = new char[0];
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, noPassword);
    own.setKeyEntry(
        "server",
        Pem.privateKey(Files.readString(key)),
        noPassword,
        certificates(cert).toArray(Certificate[]::new));
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
}
