package dev.kiln.registry;

import dev.kiln.model.Pem;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/** What a TLS connection to a registry trusts and shows, read from the configured files. */
final class Tls {
  /** Where Linux distributions keep their roots; Go looks there too. */
  private static final List<Path> SYSTEM_ROOTS =
      List.of(
          Path.of("/etc/ssl/certs/ca-certificates.crt"),
          Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
          Path.of("/etc/ssl/cert.pem"));

  private static final char[] NO_PASSWORD = {};

  private Tls() {}

  static SSLContext context(RegistryHosts.Host host, boolean insecure)
      throws GeneralSecurityException, IOException {
    var roots = new ArrayList<>(host.roots());
    var pairs = new ArrayList<>(host.keyPairs());
    for (Path dir : host.tlsDirs()) {
      readDir(dir, roots, pairs);
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(
        keys(pairs), insecure ? new TrustManager[] {new TrustsAll()} : trusts(roots), null);
    return context;
  }

  private static void readDir(Path dir, List<Path> roots, List<RegistryHosts.KeyPair> pairs)
      throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(dir)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.endsWith(".crt")) {
          roots.add(file);
        } else if (name.endsWith(".cert")) {
          String key = name.substring(0, name.length() - ".cert".length()) + ".key";
          pairs.add(new RegistryHosts.KeyPair(dir.resolve(key), file));
        }
      }
    } catch (NoSuchFileException | NotDirectoryException | AccessDeniedException e) {
      // The defaults name folders that need not be there.
    }
  }

  private static TrustManager[] trusts(List<Path> extra)
      throws GeneralSecurityException, IOException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init((KeyStore) null);
    KeyStore all = KeyStore.getInstance(KeyStore.getDefaultType());
    all.load(null, NO_PASSWORD);
    int n = 0;
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        for (X509Certificate certificate : x509.getAcceptedIssuers()) {
          all.setCertificateEntry("jdk-" + n++, certificate);
        }
      }
    }
    for (Path bundle : SYSTEM_ROOTS) {
      if (Files.isReadable(bundle)) {
        for (Certificate certificate : certificates(bundle)) {
          all.setCertificateEntry("system-" + n++, certificate);
        }
        break;
      }
    }
    for (Path file : extra) {
      for (Certificate certificate : certificates(file)) {
        all.setCertificateEntry("extra-" + n++, certificate);
      }
    }
    factory.init(all);
    return factory.getTrustManagers();
  }

  private static KeyManager[] keys(List<RegistryHosts.KeyPair> pairs)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, NO_PASSWORD);
    int n = 0;
    for (RegistryHosts.KeyPair pair : pairs) {
      store.setKeyEntry(
          "pair-" + n++,
          Pem.privateKey(Files.readString(pair.key())),
          NO_PASSWORD,
          certificates(pair.certificate()).toArray(Certificate[]::new));
    }
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory.getKeyManagers();
  }

  private static Collection<? extends Certificate> certificates(Path file)
      throws GeneralSecurityException, IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(in);
    } catch (IOException e) {
      throw new IOException("failed to read " + file + ": " + e.getMessage(), e);
    }
  }

  /** For registries configured as insecure: any certificate, any name in it. */
  private static final class TrustsAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
