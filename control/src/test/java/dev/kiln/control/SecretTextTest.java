package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretTextTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "--export-cache=type=gha,token=abc.def,mode=max | --export-cache=type=gha,token=***,mode=max",
        "type=gha,token=abc --progress plain | type=gha,token=*** --progress plain",
        "type=s3,secret_access_key=k/ey+,session_token=t== | type=s3,secret_access_key=***,session_token=***",
        "type=gha,TOKEN=abc | type=gha,TOKEN=***",
        "type=gha,\"token=a,b\",mode=max | type=gha,\"token=***\",mode=max",
        "type=registry,ref=host/token:1 | type=registry,ref=host/token:1",
        "--opt=build-arg:a=b | --opt=build-arg:a=b",
        "build https://u:p@h/x.git?token=abc | build https://xxxxx:xxxxx@h/x.git?token=xxxxx",
        "no options | no options",
      })
  void secretsOfCacheOptionsAreMasked(String text, String masked) {
    assertThat(SecretText.masked(text)).isEqualTo(masked);
  }
}
