package dev.kiln.grpc.transport;

import dev.kiln.model.Pem;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Optional;

/**
 * TLS for a server, from PEM files read once: HTTP/2 only (ALPN {@code h2}), TLS 1.2 or later; with
 * an authority, a client certificate signed by it is required.
 */
public final class TlsFiles {
  private TlsFiles() {}

  /** For any number of connections. The key's bytes stay in memory only. */
  public static SslContext server(Path cert, Path key, Optional<Path> authority)
      throws IOException, GeneralSecurityException {
    SslContextBuilder builder =
        GrpcSslContexts.configure(
            SslContextBuilder.forServer(Pem.privateKey(Files.readString(key)), certificates(cert)),
            SslProvider.JDK);
    if (authority.isPresent()) {
      builder.trustManager(certificates(authority.get())).clientAuth(ClientAuth.REQUIRE);
    }
    return builder.protocols("TLSv1.3", "TLSv1.2").build();
  }

  private static X509Certificate[] certificates(Path file)
      throws IOException, GeneralSecurityException {
    try (InputStream in = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
          .map(X509Certificate.class::cast)
          .toArray(X509Certificate[]::new);
    }
  }
}
