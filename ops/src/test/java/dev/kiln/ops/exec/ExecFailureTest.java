package dev.kiln.ops.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.exec.ExitStatus;
import dev.kiln.grpc.GrpcErrors;
import io.grpc.Status.Code;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How a step that fails is told: BuildKit v0.22's words and codes. */
class ExecFailureTest {
  @Test
  void aStepWithoutMemoryIsExhausted() {
    var failure = ExecOpRunner.failure("stress", new ExitStatus(137, true, Optional.empty()));
    assertThat(failure)
        .hasMessage("process \"stress\" did not complete successfully: cannot allocate memory");
    assertThat(GrpcErrors.toGrpc(failure).getStatus().getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
  }

  @Test
  void aStepThatFailsTellsItsExitCode() {
    var failure = ExecOpRunner.failure("false", new ExitStatus(1));
    assertThat(failure).hasMessage("process \"false\" did not complete successfully: exit code: 1");
    assertThat(GrpcErrors.toGrpc(failure).getStatus().getCode()).isEqualTo(Code.UNKNOWN);
  }
}
