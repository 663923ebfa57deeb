package dev.kiln.tests.arch;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The order of modules and the bans of CONTRIBUTING.md, held on the compiled classes. */
class ArchitectureTest {
  static final JavaClasses KILN = Kiln.CLASSES;

  /**
   * Module package to the module packages it may use; the ranks of CONTRIBUTING.md, named one by
   * one.
   */
  private static final Map<String, List<String>> ALLOWED =
      Map.ofEntries(
          Map.entry("model", List.of()),
          Map.entry("sys", List.of()),
          Map.entry("config", List.of()),
          Map.entry("tracing", List.of()),
          Map.entry("grpc", List.of("model", "tracing")),
          Map.entry("llb", List.of("model", "grpc")),
          Map.entry("store", List.of("model", "sys", "tracing")),
          Map.entry("exec", List.of("model", "sys", "tracing")),
          Map.entry("session", List.of("model", "grpc", "tracing", "sys")),
          Map.entry("registry", List.of("model", "tracing")),
          Map.entry("actors", List.of("model", "grpc", "llb", "tracing")),
          Map.entry("dockerfile", List.of("model", "grpc", "llb", "tracing")),
          Map.entry(
              "sources",
              List.of("model", "grpc", "sys", "tracing", "llb", "store", "session", "registry")),
          Map.entry(
              "exporters",
              List.of("model", "grpc", "sys", "tracing", "store", "session", "registry")),
          Map.entry(
              "mounts", List.of("model", "sys", "tracing", "llb", "store", "exec", "session")),
          Map.entry(
              "ops",
              List.of(
                  "model", "grpc", "sys", "tracing", "actors", "llb", "store", "exec", "session",
                  "sources", "mounts")),
          Map.entry(
              "remotecache",
              List.of(
                  "model",
                  "config",
                  "grpc",
                  "tracing",
                  "llb",
                  "actors",
                  "store",
                  "session",
                  "registry",
                  "sources",
                  "exporters")),
          Map.entry(
              "gateway",
              List.of(
                  "model", "grpc", "sys", "tracing", "actors", "llb", "store", "exec", "session",
                  "sources", "mounts")),
          Map.entry(
              "control",
              List.of(
                  "model",
                  "config",
                  "sys",
                  "tracing",
                  "grpc",
                  "llb",
                  "store",
                  "exec",
                  "session",
                  "registry",
                  "actors",
                  "dockerfile",
                  "sources",
                  "exporters",
                  "ops",
                  "mounts",
                  "gateway",
                  "remotecache")),
          Map.entry("cli", List.of("model", "grpc", "session", "sys", "tracing")));

  @TestFactory
  Stream<DynamicTest> modulesUseOnlyTheModulesNamed() {
    return ALLOWED.entrySet().stream()
        .map(entry -> {
          String[] all = {"config", "daemon"};
          String[] forbidden =
              Stream.concat(ALLOWED.keySet().stream(), Arrays.stream(all))
                  .filter(module ->
                      !module.equals(entry.getKey()) && !entry.getValue().contains(module))
                  .distinct()
                  .map(module -> "dev.kiln." + module + "..")
                  .toArray(String[]::new);
          return DynamicTest.dynamicTest(
              entry.getKey(),
              () ->
                  noClasses()
                      .that()
                      .resideInAPackage("dev.kiln." + entry.getKey() + "..")
                      .should()
                      .dependOnClassesThat()
                      .resideInAnyPackage(forbidden)
                      .check(KILN));
        });
  }

  @Test
  void everyModuleHasAnEntry() {
    classes()
        .that()
        .resideInAPackage("dev.kiln..")
        .should()
        .resideInAnyPackage(
            Stream.concat(ALLOWED.keySet().stream(), Stream.of("daemon"))
                .map(m -> "dev.kiln." + m + "..")
                .toArray(String[]::new))
        .check(KILN);
  }

  @Test
  void onlySysCallsNativeCode() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.kiln.sys..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.lang.foreign..")
        .because("system calls live behind one door")
        .check(KILN);
  }

  /** Fd opens no file for reading by a public method, so these are the other ways there are. */
  @Test
  void filesOfTreesAreReadThroughOneDoor() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.kiln.ops..",
            "dev.kiln.mounts..",
            "dev.kiln.gateway..",
            "dev.kiln.exporters..",
            "dev.kiln.dockerfile..",
            "dev.kiln.session..",
            "dev.kiln.sources..",
            "dev.kiln.exec..",
            "dev.kiln.store.snapshot..",
            "dev.kiln.store.hash..",
            "dev.kiln.store.layer..")
        .and(doNotHaveFullyQualifiedNames(READ_THE_HOSTS_OWN_FILES))
        .should()
        .callMethodWhere(
            target(owner(assignableTo("java.nio.file.Files")))
                .and(
                    target(
                        nameMatching(
                            "read(AllBytes|AllLines|String)|lines|new(Input|Buffered|Byte).*"))))
        .orShould()
        .callMethodWhere(
            target(owner(assignableTo("java.nio.channels.FileChannel")))
                .and(target(nameMatching("open"))))
        .orShould()
        .callConstructorWhere(
            target(
                owner(
                    assignableTo("java.io.FileInputStream")
                        .or(assignableTo("java.io.FileReader"))
                        .or(assignableTo("java.io.RandomAccessFile"))
                        .or(assignableTo("java.util.Scanner")))))
        .because("what a build made is opened by sys.BuiltFiles alone (ADR 0013)")
        .check(KILN);
  }

  /** Of /proc, /sys, /etc of this machine, and files that this daemon has written itself. */
  private static final List<String> READ_THE_HOSTS_OWN_FILES =
      List.of(
          "dev.kiln.exec.Cgroups",
          "dev.kiln.exec.HostFiles",
          "dev.kiln.exec.Leftovers",
          "dev.kiln.exec.Runc",
          "dev.kiln.exec.RuncExecutor",
          "dev.kiln.exec.Seccomp",
          "dev.kiln.exec.cni.Sandboxes",
          "dev.kiln.exec.usage.CgroupReading",
          "dev.kiln.exec.usage.KernelFiles",
          "dev.kiln.session.tree.TreeWriter");

  private static DescribedPredicate<JavaClass> doNotHaveFullyQualifiedNames(List<String> names) {
    return DescribedPredicate.describe(
        "are not " + names, c -> !names.contains(c.getName().replaceFirst("\\$.*", "")));
  }

  @Test
  void onlyTheErrorCodecMakesGrpcStatuses() {
    noClasses()
        .that(written())
        .and()
        .resideOutsideOfPackages("dev.kiln.grpc..")
        .should()
        .callMethodWhere(target(owner(assignableTo("io.grpc.protobuf.StatusProto"))))
        .orShould()
        .callMethodWhere(
            target(owner(assignableTo("io.grpc.Status")))
                .and(target(nameMatching("withDescription|asRuntimeException|asException"))))
        .because("GrpcErrors maps BuildException to gRPC in one place")
        .check(KILN);
  }

  @Test
  void whatWasLearnedToHurtStaysOut() {
    noClasses()
        .that(written())
        .should()
        .callMethodWhere(
            target(owner(assignableTo("java.util.concurrent.CompletableFuture")))
                .and(target(nameMatching("join"))))
        .orShould()
        .callMethodWhere(
            target(owner(assignableTo("java.lang.Thread"))).and(target(nameMatching("sleep"))))
        .orShould()
        .callMethodWhere(
            target(owner(assignableTo("java.util.concurrent.Executors")))
                .and(target(nameMatching("new.*"))))
        .orShould()
        .callMethodWhere(
            target(owner(assignableTo("java.lang.System")))
                .and(target(nameMatching("currentTimeMillis"))))
        .because(
            "join and sleep block what must not block, pools hide their bounds, and time comes from a Clock or Instant")
        .check(KILN);
  }

  @Test
  void threadsAreStartedByBlockingAndByTheOwnersOfAThread() {
    noClasses()
        .that(written())
        .should()
        .callConstructorWhere(target(owner(assignableTo("java.lang.Thread"))))
        .because("Blocking starts tasks; Thread.ofPlatform names a long-lived one")
        .check(KILN);
  }

  private static DescribedPredicate<JavaClass> written() {
    return DescribedPredicate.not(
        resideInAnyPackage(
            "dev.kiln.grpc.pb..", "dev.kiln.grpc.control..", "dev.kiln.grpc.gateway.."));
  }

  /**
   * {@code java.util.regex} goes back over its input, or down the stack for each repetition of a
   * group: whoever chooses the text chooses how long or how deep. RE2/J does neither. The exception
   * reads the kernel's own files, often.
   */
  @Test
  void expressionsAreLinear() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.kiln.exec.usage.KernelFiles")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.regex")
        .orShould()
        .callMethod(String.class, "matches", String.class)
        .orShould()
        .callMethod(String.class, "replaceAll", String.class, String.class)
        .orShould()
        .callMethod(String.class, "replaceFirst", String.class, String.class)
        .check(KILN);
  }

  /** Each class that had its own mapper caught other failures, and some told secrets. */
  @Test
  void jsonInMemoryIsReadByOneReader() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.kiln.model.Json")
        .should()
        .callMethod(ObjectMapper.class, "readTree", String.class)
        .orShould()
        .callMethod(ObjectMapper.class, "readTree", byte[].class)
        .because("model.Json reads what somebody else wrote, with its bounds")
        .check(KILN);
  }
}
