package dev.kiln.grpc.transport;

import dev.kiln.model.Pem;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Optional;

/**
 * TLS for a server, from PEM files read once: HTTP/2 only (ALPN {@code h2}), TLS 1.2 or later; with
 * an authority, a client certificate signed by it is required.
 */
public final class TlsFiles {
  private TlsFiles() {}

  /**
   * For any number of connections. The key's bytes stay in memory only.
   *
   * @throws GeneralSecurityException naming the file that holds no certificate or key, or a key of
   *     another certificate
   */
  public static SslContext server(Path cert, Path key, Optional<Path> authority)
      throws IOException, GeneralSecurityException {
    PrivateKey own = key(key);
    X509Certificate[] chain = certificates(cert);
    if (!Pem.isPair(own, chain[0].getPublicKey())) {
      throw new GeneralSecurityException(key + " is not the key of the certificate in " + cert);
    }
    SslContextBuilder builder =
        GrpcSslContexts.configure(SslContextBuilder.forServer(own, chain), SslProvider.JDK);
    if (authority.isPresent()) {
      builder.trustManager(certificates(authority.get())).clientAuth(ClientAuth.REQUIRE);
    }
    return builder.protocols("TLSv1.3", "TLSv1.2").build();
  }

  private static PrivateKey key(Path file) throws IOException, GeneralSecurityException {
    String text = Files.readString(file, StandardCharsets.ISO_8859_1); // PEM is ASCII
    try {
      return Pem.privateKey(text);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new GeneralSecurityException(file + ": " + e.getMessage(), e);
    }
  }

  private static X509Certificate[] certificates(Path file)
      throws IOException, GeneralSecurityException {
    X509Certificate[] all;
    try (InputStream in = Files.newInputStream(file)) {
      all =
          CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
    } catch (CertificateException e) {
      throw new GeneralSecurityException(file + ": " + e.getMessage(), e);
    }
    if (all.length == 0) {
      throw new GeneralSecurityException(file + ": no certificate in it");
    }
    return all;
  }
}
