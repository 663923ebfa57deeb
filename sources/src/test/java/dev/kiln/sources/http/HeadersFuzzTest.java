package dev.kiln.sources.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Whatever a server writes in its headers is read or left alone. */
class HeadersFuzzTest {
  @FuzzTest
  void anyHeaderIsReadOrLeftAlone(byte[] bytes) {
    String header = new String(bytes, StandardCharsets.ISO_8859_1);
    ContentDisposition.filename("attachment" + header);
    ContentDisposition.filename(header)
        .ifPresent(name -> assertThat(name.length()).isLessThanOrEqualTo(header.length()));
    HttpDates.parse(header);
  }
}
