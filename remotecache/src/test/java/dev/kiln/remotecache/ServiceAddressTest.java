package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Instant;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceAddressTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "no address",
        "http://",
        "http:///path",
        "http://a_b",
        "http://[::1",
        "http://h:99999999",
        "http://h:70000",
        "ftp://h",
        "h:9000",
        "//h",
        "mailto:a@b",
        "http://h/%",
        "http://h\n",
        "http://user:hunter2@h h/",
        "http://h\0"
      })
  void whatIsNoAddressIsRefusedInWords(String url) {
    refused(
        "endpoint_url",
        () -> S3Options.of(Map.of("bucket", "b", "region", "r", "endpoint_url", url), Map.of()));
    refused(
        "azure storage account url",
        () -> AzureOptions.of(Map.of("account_url", url, "account_name", "a"), Map.of()));
    refused(
        "url for github actions cache",
        () -> ServiceAddress.of("invalid url for github actions cache", url));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b", "r/../", "é", "r.", "a\nb"})
  void aRegionIsAPartOfAHostsName(String region) {
    refused("region", () -> S3Options.of(Map.of("bucket", "b", "region", region), Map.of()));
  }

  private static void refused(String what, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessageContaining(what)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://h", "https://h:9000/", "HTTP://127.0.0.1:1/x", "http://[::1]:9000"})
  void anAddressOfHttpIsOne(String url) {
    S3Store.open(S3Options.of(Map.of("bucket", "b", "region", "r", "endpoint_url", url), Map.of()));
    assertThat(AzureOptions.of(Map.of("account_url", url), Map.of()).accountUrl()).isNotNull();
  }

  @Test
  void aTokensTimeBeyondAllTimesIsRefused() {
    String claims = "{\"nbf\":1,\"exp\":9223372036854775807,\"ac\":\"[]\"}";
    String token =
        "x."
            + java.util.Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(claims.getBytes(java.nio.charset.StandardCharsets.UTF_8))
            + ".x";
    refused("time", () -> GhaToken.parse(token, Instant.EPOCH.plusSeconds(10)));
  }
}
