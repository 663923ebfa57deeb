package dev.kiln.ops.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.Errno;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** V-82: whose fault a failed call of the kernel is, wherever it is met. */
class FailureKindsTest {
  @ParameterizedTest
  @CsvSource({
    Errno.EIO + ",INTERNAL",
    Errno.EFAULT + ",INTERNAL",
    Errno.ENOTRECOVERABLE + ",INTERNAL",
    Errno.EHWPOISON + ",INTERNAL",
    Errno.ENOSPC + ",EXHAUSTED",
    Errno.ENOMEM + ",EXHAUSTED",
    Errno.EDQUOT + ",EXHAUSTED",
    Errno.EACCES + ",UNKNOWN",
    Errno.ENOENT + ",UNKNOWN"
  })
  void aSystemCallFailsByItsReason(int errno, Kind kind) {
    var failure = new SyscallException("write", "/store/x", errno);
    assertThat(BuildException.of(new CompletionException(failure)).kind()).isEqualTo(kind);
    assertThat(FileFailure.of(failure, List.of("/store")).kind()).isEqualTo(kind);
  }

  @Test
  void theJdksFailuresSayTheSame() {
    assertThat(BuildException.of(new IOException("No space left on device")).kind())
        .isEqualTo(Kind.EXHAUSTED);
    assertThat(BuildException.of(new FileSystemException("/x", null, "Input/output error")).kind())
        .isEqualTo(Kind.INTERNAL);
    assertThat(BuildException.of(new IOException("Connection reset")).kind())
        .isEqualTo(Kind.UNKNOWN);
    assertThat(BuildException.of(new IllegalStateException("a bug")).kind())
        .isEqualTo(Kind.INTERNAL);
  }
}
