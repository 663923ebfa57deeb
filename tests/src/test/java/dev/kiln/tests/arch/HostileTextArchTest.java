package dev.kiln.tests.arch;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.re2j.Pattern;
import dev.kiln.config.ConfigException;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * Each class with a regular expression reads long and near texts in a time that grows with them: a
 * text of 32 Ki characters in far less than a second, where the square would take a minute. What is
 * refused is refused in words.
 */
class HostileTextArchTest {
  private static final int CHARACTERS = 1 << 15;
  private static final long MOST_MILLIS = 3_000;

  private static final List<String> PIECES =
      List.of("a", "1", "A", "/", "a/", ":", "@", "a@", ".", "a.", "-", "=", "\"", "\\", " ", "\n");
  private static final List<String> MORE_PIECES =
      List.of(",", "*", "[", "(", "{1", "%", "#", "?", "<", "1s", "é", "\t", "$", "\r\n", "\"a\"");

  /** What a class does with a text from outside. */
  private interface Way {
    void read(String text) throws Exception;
  }

  /** Class, below dev.kiln, to the ways by which texts come to its expressions. */
  private static final Map<String, List<Way>> READ =
      Map.ofEntries(
          entry("cli.Contexts", List.of(held("cli.Contexts", "REMOTE"))),
          entry(
              "config.ConfigReader",
              List.of(text -> call("config.ConfigReader", "megabytes", text))),
          entry(
              "config.DiskSpace", List.of(text -> call("config.DiskSpace", "parse", "key", text))),
          entry(
              "config.GoDuration",
              List.of(
                  text -> call("config.GoDuration", "parse", "key", text),
                  text -> call("config.GoDuration", "find", text))),
          entry(
              "control.SecretText",
              List.of(
                  text -> call("control.SecretText", "masked", text),
                  text -> call("control.SecretText", "masked", "secret_access_key=" + text))),
          entry(
              "control.history.HistoryFilter",
              List.of(
                  held("control.history.HistoryFilter", "GIT_REMOTE"),
                  text ->
                      call(
                          "control.history.HistoryFilter",
                          "parse",
                          List.of(text),
                          Clock.systemUTC()),
                  text ->
                      call(
                          "control.history.HistoryFilter",
                          "parse",
                          List.of("startedAt>" + text),
                          Clock.systemUTC()))),
          entry("daemon.DiskParts", List.of(text -> call("daemon.DiskParts", "openFiles", text))),
          entry("daemon.Listeners", List.of(held("daemon.Listeners", "BRACKETS"))),
          entry(
              "daemon.StartFailure",
              List.of(text ->
                  call("daemon.StartFailure", "line", new BuildException(Kind.INVALID, text)))),
          entry(
              "dockerfile.BuiltinSyntax",
              List.of(
                  text -> call("dockerfile.BuiltinSyntax", "covers", text),
                  text -> call("dockerfile.BuiltinSyntax", "covers", "docker/dockerfile:" + text))),
          entry(
              "dockerfile.context.ArchiveMagic",
              List.of(text ->
                  call(
                      "dockerfile.context.ArchiveMagic",
                      "matches",
                      (Object) text.getBytes(StandardCharsets.UTF_8)))),
          entry(
              "dockerfile.context.GitRef",
              List.of(
                  text -> call("dockerfile.context.GitRef", "parse", text),
                  text -> call("dockerfile.context.GitRef", "parse", "https://" + text),
                  text -> call("dockerfile.context.GitRef", "parse", "git@h:" + text))),
          entry(
              "dockerfile.context.IpText",
              List.of(text -> call("dockerfile.context.IpText", "canonical", text))),
          entry(
              "dockerfile.convert.CopyStep",
              List.of(
                  text -> call("dockerfile.convert.CopyStep$Mode", "parse", text),
                  text -> call("dockerfile.convert.CopyStep$Mode", "parse", "u+" + text))),
          entry(
              "dockerfile.convert.FileChecks",
              List.of(
                  held("dockerfile.convert.FileChecks", "SECRET"),
                  held("dockerfile.convert.FileChecks", "PUBLIC"))),
          entry(
              "dockerfile.convert.PortSpecs",
              List.of(text -> call("dockerfile.convert.PortSpecs", "parse", List.of(text)))),
          entry(
              "dockerfile.convert.Signals",
              List.of(
                  text -> call("dockerfile.convert.Signals", "check", text),
                  text -> call("dockerfile.convert.Signals", "check", "SIGRTMIN+" + text))),
          entry(
              "dockerfile.graph.FileStep",
              List.of(text -> call("dockerfile.graph.FileStep$Owner", "who", text, 0))),
          entry(
              "dockerfile.instruction.InstructionReader",
              List.of(
                  held("dockerfile.instruction.InstructionReader", "STAGE_NAME"),
                  held("dockerfile.instruction.InstructionReader", "ONBUILD"))),
          entry(
              "dockerfile.instruction.RunMount",
              List.of(text ->
                  call(
                      "dockerfile.instruction.RunMount",
                      "parse",
                      "type=tmpfs,target=/t,size=" + text,
                      UnaryOperator.<String>identity()))),
          entry(
              "dockerfile.syntax.Directives",
              List.of(
                  text -> call("dockerfile.syntax.Directives", "syntax", text),
                  text -> call("dockerfile.syntax.Directives", "syntax", "# syntax=" + text),
                  text -> call("dockerfile.syntax.Directives", "syntax", "// syntax =" + text),
                  text -> call("dockerfile.syntax.Directives", "check", "# check=" + text))),
          entry(
              "dockerfile.syntax.Heredoc",
              List.of(
                  held("dockerfile.syntax.Heredoc", "LEADING_TABS"),
                  text -> call("dockerfile.syntax.Heredoc", "parse", "<<" + text),
                  text -> call("dockerfile.syntax.Heredoc", "announcedIn", "RUN <<" + text))),
          entry(
              "dockerfile.text.GoText",
              List.of(
                  text -> call("dockerfile.text.GoText", "parseDuration", text),
                  text -> call("dockerfile.text.GoText", "parseDuration", text + "s"))),
          entry(
              "exec.RuncVersion",
              List.of(
                  text -> call("exec.RuncVersion", "parse", text),
                  text -> call("exec.RuncVersion", "parse", "runc version " + text))),
          entry(
              "exec.cdi.CdiSpec",
              List.of(
                  held("exec.cdi.CdiSpec", "KIND"),
                  held("exec.cdi.CdiSpec", "NAME"),
                  held("exec.cdi.CdiSpec", "VERSION"))),
          entry(
              "exec.cni.CniNamespaces",
              List.of(text -> call("exec.cni.CniNamespaces", "args", text))),
          entry(
              "exec.cni.PluginList",
              List.of(text ->
                  call(
                      "exec.cni.PluginList",
                      "parse",
                      "{\"name\":\"n\",\"plugins\":[{\"type\":\""
                          + text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\s", "_")
                          + "\"}]}",
                      "it"))),
          entry(
              "exporters.image.Annotations",
              List.of(
                  text -> call("exporters.image.Annotations", "parse", text, "v"),
                  text ->
                      call(
                          "exporters.image.Annotations",
                          "parse",
                          "annotation[" + text + "].k",
                          "v"),
                  text -> call("exporters.image.Annotations", "parse", "annotation." + text, "v"))),
          entry(
              "model.GivenExpression",
              List.of(
                  text -> call("model.FieldFilter", "parse", text),
                  text -> call("model.FieldFilter", "parse", "id~=" + text),
                  text -> call("model.FieldFilter", "parse", "id~=/" + text + "/"))),
          entry("model.ImageRef", List.of(text -> call("model.ImageRef", "parseNormalized", text))),
          entry(
              "model.Pem",
              List.of(
                  text -> call("model.Pem", "privateKey", text),
                  text -> call("model.Pem", "privateKey", "-----BEGIN PRIVATE KEY-----" + text))),
          entry(
              "model.Platform",
              List.of(
                  text -> call("model.Platform", "parse", text),
                  text -> call("model.Platform", "parse", "linux/arm/" + text))),
          entry(
              "model.PlatformMatcher",
              List.of(text -> call("model.PlatformMatcher", "number", "v" + text, 0))),
          entry(
              "model.WindowsVersion",
              List.of(text -> call("model.WindowsVersion", "runs", "10.0.1." + text, text))),
          entry("registry.Download", List.of(held("registry.Download", "MEDIA_TYPE"))),
          entry(
              "registry.Endpoint", List.of(text -> call("registry.Endpoint", "isLocalhost", text))),
          entry("registry.Endpoints", List.of(held("registry.Endpoints", "SCHEME_OR_END"))),
          entry(
              "registry.EnvironmentProxies",
              List.of(
                  text -> call("registry.EnvironmentProxies", "of", Map.of("NO_PROXY", text)),
                  text -> call("registry.EnvironmentProxies", "of", Map.of("HTTP_PROXY", text)))),
          entry(
              "registry.Locations",
              List.of(
                  text -> call("registry.Locations", "escaped", text),
                  held("registry.Locations", "CONTROLS"))),
          entry("registry.Registry", List.of(held("registry.Registry", "LENGTH"))),
          entry(
              "session.tree.FilteredTree",
              List.of(
                  text -> call("session.tree.FilteredTree", "mayMatchBelow", text, "a/b"),
                  held("session.tree.FilteredTree", "ALL_BELOW"))),
          entry(
              "sources.git.GitUrl",
              List.of(
                  text -> call("sources.git.GitUrl", "isTransport", text),
                  text -> call("sources.git.GitUrl", "parse", text),
                  text -> call("sources.git.GitUrl", "parse", "https://" + text),
                  text -> call("sources.git.GitUrl", "parse", "git@h:" + text),
                  text -> call("sources.git.GitUrl", "checkedRef", "\n" + text))),
          entry(
              "sources.git.RemoteRefs",
              List.of(
                  text -> call("sources.git.RemoteRefs", "resolve", "main", text),
                  text ->
                      call("sources.git.RemoteRefs", "defaultBranch", "ref: refs/heads/" + text))),
          entry(
              "sources.http.ContentDisposition",
              List.of(
                  text -> call("sources.http.ContentDisposition", "filename", text),
                  text -> call("sources.http.ContentDisposition", "filename", "a;filename=" + text),
                  text ->
                      call("sources.http.ContentDisposition", "filename", "a;filename=\"" + text))),
          entry(
              "sources.http.HttpDates",
              List.of(text -> call("sources.http.HttpDates", "parse", text))),
          entry("sources.http.HttpId", List.of(held("sources.http.HttpId", "OCTAL"))),
          entry(
              "sources.image.ImageId",
              List.of(
                  text -> call("sources.image.ImageId", "reference", text),
                  text -> call("sources.image.ImageId", "reference", "h/" + text))),
          entry("tracing.ExportSettings", List.of(held("tracing.ExportSettings", "HEADER"))),
          entry(
              "tracing.Redaction",
              List.of(
                  text -> call("tracing.Redaction", "of", text),
                  text -> call("tracing.Redaction", "of", "https://" + text),
                  text -> call("tracing.Redaction", "forOperators", text),
                  text -> call("tracing.Redaction", "forOperators", "https://h?" + text))));

  /** Class to the reason why it has no way here. */
  private static final Map<String, String> APART =
      Map.ofEntries(
          entry("daemon.KilnDaemon", "/etc/group of this machine"),
          entry("exec.ContainerSpec", "ids are the daemon's own"),
          entry("exec.HostFiles", "/etc/hosts and resolv.conf of this machine"),
          entry("exec.usage.KernelFiles", "the kernel's files"),
          entry("dockerfile.shell.ShellPattern", "DockerfileFuzzTest: the pattern is given too"),
          entry("dockerfile.convert.StagePlan", "one match of at most 10 characters"),
          entry("remotecache.GhaHttp", "one match of at most 6 characters"),
          entry("sources.git.GitSource", "one match of hex digits"));

  @Test
  void everyClassWithAnExpressionHasARow() {
    var holders =
        Kiln.CLASSES.stream()
            .filter(in ->
                Stream.concat(
                        in.getMethodCallsFromSelf().stream(),
                        in.getMethodReferencesFromSelf().stream())
                    .anyMatch(call ->
                        call.getTargetOwner().getName().endsWith(".Pattern")
                            && call.getTargetOwner().getPackageName().matches(".*\\.(re2j|regex)")
                            && call.getName().matches("compile|matches")))
            .map(in -> in.getName().replaceFirst("^dev\\.kiln\\.", "").replaceFirst("\\$.*", ""))
            .collect(Collectors.toCollection(TreeSet::new));
    var rows = new TreeSet<>(READ.keySet());
    rows.addAll(APART.keySet());
    assertThat(rows)
        .as("a class with a regular expression has a row in READ that reads hostile texts by it")
        .isEqualTo(holders);
  }

  @TestFactory
  @Timeout(60)
  Stream<DynamicTest> hostileTextsAreReadOrRefusedAtOnce() {
    List<String> pieces = Stream.concat(PIECES.stream(), MORE_PIECES.stream()).toList();
    return READ.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(row ->
            DynamicTest.dynamicTest(
                row.getKey(),
                () -> {
                  for (Way way : row.getValue()) {
                    for (String piece : pieces) {
                      String text = piece.repeat(CHARACTERS / piece.length());
                      readAtOnce(way, text, piece);
                      readAtOnce(way, text + "!", piece + " and an end");
                    }
                  }
                }));
  }

  private static void readAtOnce(Way way, String text, String name) throws Exception {
    long from = System.nanoTime();
    try {
      way.read(text);
    } catch (BuildException | ConfigException | IOException | GeneralSecurityException refused) {
      assertThat(refused.getMessage()).as(name).isNotBlank();
    }
    long millis = (System.nanoTime() - from) / 1_000_000;
    assertThat(millis).as("milliseconds for a text of '%s'", name).isLessThan(MOST_MILLIS);
  }

  /** An expression alone, as those that use it do: against the whole text and within it. */
  private static Way held(String type, String field) {
    return text -> {
      Field holder = Class.forName("dev.kiln." + type).getDeclaredField(field);
      holder.setAccessible(true);
      Pattern pattern = (Pattern) holder.get(null);
      pattern.matcher(text).matches();
      pattern.matcher(text).replaceAll("");
    };
  }

  private static void call(String type, String name, Object... arguments) throws Exception {
    Method method =
        Arrays.stream(Class.forName("dev.kiln." + type).getDeclaredMethods())
            .filter(m -> m.getName().equals(name) && takes(m, arguments))
            .findFirst()
            .orElseThrow(() -> new AssertionError("no method " + type + "." + name));
    method.setAccessible(true);
    try {
      method.invoke(null, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  private static boolean takes(Method method, Object... arguments) {
    Class<?>[] types = method.getParameterTypes();
    return types.length == arguments.length
        && java.util.stream.IntStream.range(0, types.length)
            .allMatch(i ->
                types[i].isInstance(arguments[i])
                    || types[i] == int.class && arguments[i] instanceof Integer);
  }
}
