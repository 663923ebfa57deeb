package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** C-26. */
@Timeout(60)
class RecordWritingTest {
  @Test
  void whatIsWrittenInTimeIsTheRecord() throws Exception {
    var record = BuildHistoryRecord.newBuilder().setRef("a").build();
    assertThat(RecordWriting.DEFAULT.write(() -> record)).isEqualTo(record);
  }

  @Test
  void whatTakesTooLongIsStoppedAndInternal() throws Exception {
    var stopped = new CountDownLatch(1);
    var never = new CountDownLatch(1);
    assertThatThrownBy(() ->
            new RecordWriting(Duration.ofMillis(20))
                .write(() -> {
                  try {
                    never.await();
                    throw new AssertionError("not reached");
                  } finally {
                    stopped.countDown();
                  }
                }))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INTERNAL))
        .hasMessageContaining("context deadline exceeded");
    stopped.await();
  }

  @Test
  void aFailureIsInternal() {
    assertThatThrownBy(() ->
            RecordWriting.DEFAULT.write(() -> {
              throw new BuildException(Kind.NOT_FOUND, "no log");
            }))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INTERNAL))
        .hasMessage("failed to write the record of the build: no log");
  }
}
