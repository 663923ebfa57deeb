package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LogLinesTest {
  private final LogLines lines = new LogLines();
  private final List<String> said = new ArrayList<>();
  private final LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          said.add(
              new String(lines.encode(event), StandardCharsets.UTF_8)
                  .replaceAll("20[0-9-]+T[0-9:]+Z", "NOW"));
        }
      };

  @BeforeEach
  void listen() {
    appender.setContext(context);
    appender.start();
    context.getLogger("root").addAppender(appender);
    context.getLogger("root").setLevel(Level.INFO);
  }

  @AfterEach
  void leave() {
    context.getLogger("root").detachAppender(appender);
  }

  private void say() {
    LoggerFactory.getLogger("dev.kiln.Test")
        .atWarn()
        .addKeyValue("ref", "a b\nlevel=error")
        .addKeyValue("address", "unix:///run/x.sock")
        .setCause(new IOException("two\nlines"))
        .log("the \"msg\"");
  }

  @Test
  void anEventIsOneLineOfText() {
    say();
    assertThat(said)
        .singleElement()
        .asString()
        .startsWith(
            "time=\"NOW\" level=warning msg=\"the \\\"msg\\\"\" address=unix:///run/x.sock"
                + " error=\"java.io.IOException: two\\nlines\\n\\tat ")
        .endsWith(" ref=\"a b\\nlevel=error\"\n")
        .satisfies(line -> assertThat(line.lines()).hasSize(1));
  }

  @Test
  void anEventIsOneObjectOfJson() {
    lines.useJson(true);
    say();
    assertThat(said)
        .singleElement()
        .asString()
        .startsWith(
            "{\"address\":\"unix:///run/x.sock\",\"error\":\"java.io.IOException: two\\nlines\\n")
        .endsWith(
            "\"level\":\"warning\",\"msg\":\"the \\\"msg\\\"\",\"ref\":\"a b\\nlevel=error\","
                + "\"time\":\"NOW\"}\n")
        .satisfies(line -> assertThat(line.lines()).hasSize(1));
  }

  @Test
  void wholeNumbersAreNumbers() {
    for (boolean json : new boolean[] {false, true}) {
      lines.useJson(json);
      LoggerFactory.getLogger("dev.kiln.Test")
          .atWarn()
          .addKeyValue("bytes", 5_000_000_000L)
          .addKeyValue("steps", 7)
          .addKeyValue("zero", "0")
          .log("");
    }
    assertThat(said)
        .containsExactly(
            "time=\"NOW\" level=warning msg=\"\" bytes=5000000000 steps=7 zero=0\n",
            "{\"bytes\":5000000000,\"level\":\"warning\",\"msg\":\"\",\"steps\":7,"
                + "\"time\":\"NOW\",\"zero\":\"0\"}\n");
  }

  @Test
  void noFormHoldsCredentialsOfUrls() {
    String url = "http://usr:PW@host/x?sig=SIGN";
    for (boolean json : new boolean[] {false, true}) {
      lines.useJson(json);
      LoggerFactory.getLogger("dev.kiln.Test")
          .atWarn()
          .addKeyValue("reason", url)
          .setCause(new IOException("no " + url))
          .log("no {}", url);
    }
    assertThat(said)
        .hasSize(2)
        .allSatisfy(line -> assertThat(line).contains("host").doesNotContain("PW", "SIGN"));
  }

  @Test
  void whatTheJdkLogsIsALineOfTheSameForm() {
    JdkLog.install();
    java.util.logging.Logger jdk = java.util.logging.Logger.getLogger("a.library");
    jdk.log(java.util.logging.Level.SEVERE, "failed for {0}", "x");
    jdk.log(java.util.logging.Level.FINE, "a detail");
    assertThat(said).containsExactly("time=\"NOW\" level=error msg=\"failed for x\"\n");
  }
}
