package dev.kiln.grpc.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TlsFilesTest {
  @TempDir Path dir;

  private static Path file(String name) throws Exception {
    return Path.of(Objects.requireNonNull(TlsFilesTest.class.getResource("/tls/" + name)).toURI());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ec", "rsa", "ed"})
  void aPairIsTaken(String kind) throws Exception {
    Optional<Path> authority = Optional.of(file("rsa.crt"));
    assertThat(TlsFiles.server(file(kind + ".crt"), file(kind + ".key"), authority).isServer())
        .isTrue();
  }

  @ParameterizedTest
  @CsvSource({"ec.crt, other.key", "ec.crt, rsa.key", "rsa.crt, ec.key", "ed.crt, ec.key"})
  void aKeyOfAnotherCertificateIsRefused(String cert, String key) {
    assertThatThrownBy(() -> TlsFiles.server(file(cert), file(key), Optional.empty()))
        .isInstanceOf(GeneralSecurityException.class)
        .hasMessageContaining(key + " is not the key of the certificate in ")
        .hasMessageEndingWith(cert);
  }

  @Test
  void theFileThatIsNoneIsNamed() throws Exception {
    Path empty = Files.createFile(dir.resolve("empty"));
    Path garbage = Files.write(dir.resolve("garbage"), new byte[] {(byte) 0xff, 0, 1});
    Path cut =
        Files.writeString(
            dir.resolve("cut"),
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG!\n-----END PRIVATE KEY-----\n");
    for (Path bad : new Path[] {empty, garbage, cut}) {
      assertThatThrownBy(() -> TlsFiles.server(bad, file("ec.key"), Optional.empty()))
          .isInstanceOf(GeneralSecurityException.class)
          .hasMessageContaining(bad.toString());
      assertThatThrownBy(() -> TlsFiles.server(file("ec.crt"), bad, Optional.empty()))
          .isInstanceOf(GeneralSecurityException.class)
          .hasMessageContaining(bad.toString());
      assertThatThrownBy(() -> TlsFiles.server(file("ec.crt"), file("ec.key"), Optional.of(bad)))
          .isInstanceOf(GeneralSecurityException.class)
          .hasMessageContaining(bad.toString());
    }
    Path nowhere = dir.resolve("nowhere");
    assertThatThrownBy(() -> TlsFiles.server(nowhere, file("ec.key"), Optional.empty()))
        .isInstanceOf(NoSuchFileException.class);
  }
}
