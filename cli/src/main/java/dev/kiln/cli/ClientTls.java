package dev.kiln.cli;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.Pem;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * What the command line says of TLS to a {@code tcp://} daemon. Immutable.
 *
 * @param ca whom to trust; the system's authorities where it is absent
 * @param serverName the name to expect in the daemon's certificate, where it is not the address'
 */
record ClientTls(
    Optional<Path> ca,
    Optional<Path> certificate,
    Optional<Path> key,
    Optional<String> serverName) {

  static final ClientTls NONE =
      new ClientTls(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

  /** Whether anything is said. */
  boolean isAsked() {
    return ca.isPresent()
        || certificate.isPresent()
        || key.isPresent()
        || serverName.filter(name -> !name.isEmpty()).isPresent();
  }

  /**
   * Reads the files.
   *
   * @throws BuildException {@code INVALID}, with the flag whose file is missing, unreadable or not
   *     what it should be
   */
  SslContext context() {
    if (certificate.isPresent() != key.isPresent()) {
      throw invalid("--tlscert and --tlskey go together: give both or neither");
    }
    SslContextBuilder builder =
        GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK);
    ca.ifPresent(file -> builder.trustManager(certificates("--tlscacert", file)));
    if (certificate.isPresent() && key.isPresent()) {
      X509Certificate[] chain = certificates("--tlscert", certificate.get());
      PrivateKey ours = privateKey(key.get());
      if (!Pem.isPair(ours, chain[0].getPublicKey())) {
        throw invalid(
            "--tlskey "
                + key.get()
                + " is not the key of the certificate --tlscert "
                + certificate.get());
      }
      builder.keyManager(ours, chain);
    }
    try {
      return builder.build();
    } catch (SSLException e) {
      throw new BuildException(Kind.INVALID, "cannot use the TLS files: " + e.getMessage(), e);
    }
  }

  private static X509Certificate[] certificates(String flag, Path file) {
    byte[] bytes = GivenFiles.read(flag, file);
    try {
      X509Certificate[] all =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new java.io.ByteArrayInputStream(bytes))
              .stream()
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
      if (all.length > 0) {
        return all;
      }
    } catch (GeneralSecurityException e) {
      // said below
    }
    throw invalid(flag + " " + file + " holds no certificate in PEM form");
  }

  private static PrivateKey privateKey(Path file) {
    String text = new String(GivenFiles.read("--tlskey", file), StandardCharsets.ISO_8859_1);
    try {
      return Pem.privateKey(text);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw invalid(
          "--tlskey " + file + " holds no private key that can be used: PEM, no password");
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
