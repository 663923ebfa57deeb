package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class SeccompTest {
  private final JsonNode profile = read();

  private static JsonNode read() {
    try {
      return new ObjectMapper().readTree(Seccomp.profile());
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Whether a call is let through, as runc reads the profile: each rule is an alternative. */
  private boolean allows(String call, long argument) {
    return StreamSupport.stream(profile.get("syscalls").spliterator(), false)
        .filter(rule -> names(rule).contains(call))
        .filter(rule -> rule.get("action").asText().equals("SCMP_ACT_ALLOW"))
        .anyMatch(rule -> !rule.has("args") || holds(rule.get("args"), argument));
  }

  private static List<String> names(JsonNode rule) {
    var names = new ArrayList<String>();
    rule.get("names").forEach(name -> names.add(name.asText()));
    return names;
  }

  private static boolean holds(JsonNode conditions, long argument) {
    assertThat(conditions).as("two conditions of one argument are alternatives in runc").hasSize(1);
    JsonNode condition = conditions.get(0);
    long value = condition.get("value").asLong();
    return switch (condition.get("op").asText()) {
      case "SCMP_CMP_LT" -> argument < value;
      case "SCMP_CMP_EQ" -> argument == value;
      case "SCMP_CMP_MASKED_EQ" -> (argument & value) == condition.get("valueTwo").asLong();
      default -> throw new AssertionError("an operator that this test does not know: " + condition);
    };
  }

  @Test
  void aStepOpensNeitherAlgNorVsockNorAFamilyOfALaterKernel() {
    List<Integer> refused =
        IntStream.rangeClosed(0, 64).filter(family -> !allows("socket", family)).boxed().toList();
    assertThat(refused).startsWith(38, 40, 46).hasSize(2 + 64 - 45);
  }

  @Test
  void namespacesAreNotMade() {
    assertThat(LongStream.of(0x10000000, 0x20000, 0x40000000))
        .allSatisfy(flag -> assertThat(allows("clone", flag)).isFalse());
    assertThat(allows("clone", 0x11)).isTrue();
    assertThat(List.of("unshare", "setns", "clone3", "mount", "bpf", "keyctl", "io_uring_setup"))
        .allSatisfy(call -> assertThat(allows(call, 0)).isFalse());
  }

  @Test
  void onlyHarmlessPersonalitiesAreTaken() {
    long addressesAsBefore = 0x0040000; // ADDR_NO_RANDOMIZE
    assertThat(allows("personality", addressesAsBefore)).isFalse();
    assertThat(allows("personality", 0)).isTrue();
  }

  @Test
  void callsOfNewKernelsAreKnown() {
    assertThat(List.of("mseal", "statmount", "listmount", "getxattrat", "setxattrat", "uretprobe"))
        .allSatisfy(call -> assertThat(allows(call, 0)).isTrue());
  }
}
