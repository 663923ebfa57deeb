package dev.kiln.exec;

import dev.kiln.sys.Processes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * The system calls a sandboxed step may make, as the {@code linux.seccomp} object of the OCI
 * configuration; equal in effect to Docker's default profile (moby/profiles {@code seccomp} v0.2.4)
 * for a container with the default capabilities. Immutable, made once.
 *
 * <p>runc turns the profile into a filter for each architecture named, which takes about 5 ms each:
 * half of what a trivial step takes. So an architecture that this kernel cannot run is left out;
 * its calls then end the process, where the kernel would have refused them.
 */
final class Seccomp {
  private static final int EPERM = 1;
  private static final int ENOSYS = 38;

  /**
   * Socket families above AF_ALG that may be opened, by their numbers in {@code linux/socket.h}: of
   * those below, all. AF_ALG (38) is the kernel's cryptography (CVE-2026-31431) and AF_VSOCK (40)
   * reaches the host and its virtual machines; a step has no need of either, nor of a family that a
   * later kernel brings.
   */
  private static final int AF_ALG = 38;

  private static final List<Integer> FAMILIES_ABOVE_ALG = List.of(39, 41, 42, 43, 44, 45);

  /** Flags of clone(2) that make namespaces; {@code linux/sched.h}, CLONE_NEW*. */
  private static final long NEW_NAMESPACES = 0x7E020000L;

  /** Values that {@code personality(2)} takes: {@code linux/personality.h}. */
  private static final List<Long> PERSONALITIES =
      List.of(0x0L, 0x8L, 0x20000L, 0x20008L, ~0L >>> 32);

  private Seccomp() {}

  /** Whether the kernel has filters at all. */
  static boolean supported() {
    try {
      return Files.readString(Path.of("/proc/self/status")).contains("\nSeccomp:");
    } catch (IOException e) {
      return false;
    }
  }

  /** The profile as JSON. */
  static String profile() {
    String machine = System.getProperty("os.arch", "amd64").toLowerCase(Locale.ROOT);
    boolean amd64 = machine.equals("amd64") || machine.equals("x86_64");
    boolean arm64 = machine.equals("aarch64") || machine.equals("arm64");
    var names = new ArrayList<>(allowed());
    var architectures = new ArrayList<String>();
    if (amd64) {
      names.addAll(List.of("arch_prctl", "modify_ldt"));
      architectures.add("SCMP_ARCH_X86_64");
      if (Files.exists(Path.of("/proc/sys/abi/vsyscall32"))) { // there where 32 bits are built in
        architectures.add("SCMP_ARCH_X86");
      }
      if (Processes.runsX32()) {
        architectures.add("SCMP_ARCH_X32");
      }
    } else if (arm64) {
      names.addAll(
          List.of(
              "arm_fadvise64_64",
              "arm_sync_file_range",
              "sync_file_range2",
              "breakpoint",
              "cacheflush",
              "set_tls"));
      architectures.addAll(List.of("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"));
    } else if (machine.equals("riscv64")) {
      names.add("riscv_flush_icache");
      architectures.add("SCMP_ARCH_RISCV64");
    }
    var rules = new ArrayList<String>();
    rules.add(allow(names, ""));
    // rules for one argument are alternatives in runc, so a range has one end only
    rules.add(allow(List.of("socket"), condition(0, AF_ALG, 0, "SCMP_CMP_LT")));
    for (int family : FAMILIES_ABOVE_ALG) {
      rules.add(allow(List.of("socket"), condition(0, family, 0, "SCMP_CMP_EQ")));
    }
    for (long personality : PERSONALITIES) {
      rules.add(allow(List.of("personality"), condition(0, personality, 0, "SCMP_CMP_EQ")));
    }
    rules.add(allow(List.of("clone"), condition(0, NEW_NAMESPACES, 0, "SCMP_CMP_MASKED_EQ")));
    // clone3 hides its flags behind a pointer: libc falls back to clone when it is told "no such"
    rules.add("{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":" + ENOSYS + "}");
    return "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":"
        + EPERM
        + ",\"architectures\":"
        + array(architectures)
        + ",\"syscalls\":["
        + String.join(",", rules)
        + "]}";
  }

  private static String allow(List<String> names, String condition) {
    return "{\"names\":"
        + array(names)
        + ",\"action\":\"SCMP_ACT_ALLOW\""
        + (condition.isEmpty() ? "" : ",\"args\":[" + condition + "]")
        + "}";
  }

  private static String condition(int index, long value, long valueTwo, String operator) {
    return "{\"index\":"
        + index
        + ",\"value\":"
        + value
        + ",\"valueTwo\":"
        + valueTwo
        + ",\"op\":\""
        + operator
        + "\"}";
  }

  private static String array(List<String> names) {
    return names.stream().collect(Collectors.joining("\",\"", "[\"", "\"]"));
  }

  private static List<String> allowed() {
    try (InputStream in =
        Objects.requireNonNull(Seccomp.class.getResourceAsStream("syscalls-allowed.txt"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
