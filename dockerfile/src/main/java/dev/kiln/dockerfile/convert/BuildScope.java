package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.context.FrontendOptions;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.shell.Allowance;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.ShellLexer;
import dev.kiln.grpc.pb.ProxyEnv;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.PatternMatcher;
import dev.kiln.model.Platform;
import dev.kiln.model.SourceRange;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What all stages of one conversion share. Immutable but for its linter and allowances.
 *
 * @param history what the stages' images may tell of their steps
 * @param globals the arguments in front of the first FROM
 * @param buildContext the client's files, settled when all stages have said what they take
 * @param ignored what the ignore file keeps out of the build context
 */
record BuildScope(
    FrontendOptions options,
    ShellLexer lexer,
    Allowance history,
    Environment globals,
    State buildContext,
    PatternMatcher ignored,
    Linter linter,
    SourceInfo source,
    Platform target) {

  FileChecks checks() {
    return new FileChecks(linter);
  }

  /** {@code options} with the lines of an instruction. */
  NodeOptions at(NodeOptions node, List<SourceRange> place) {
    return node.withPlace(new NodeOptions.Place(source, place));
  }

  /** A platform for step names: only where the result has several. */
  Optional<Platform> shown(Optional<Platform> platform) {
    return options.multiPlatform() ? platform : Optional.empty();
  }

  /** Proxies that the client gave as build arguments, in any letter case (F-72). */
  Optional<ProxyEnv> proxy() {
    var proxy = ProxyEnv.newBuilder();
    boolean any = false;
    for (Map.Entry<String, String> argument : options.buildArguments().entrySet()) {
      String value = argument.getValue();
      switch (argument.getKey().toLowerCase(Locale.ROOT)) {
        case "http_proxy" -> proxy.setHttpProxy(value);
        case "https_proxy" -> proxy.setHttpsProxy(value);
        case "ftp_proxy" -> proxy.setFtpProxy(value);
        case "no_proxy" -> proxy.setNoProxy(value);
        case "all_proxy" -> proxy.setAllProxy(value);
        default -> {
          continue;
        }
      }
      any = true;
    }
    return any ? Optional.of(proxy.build()) : Optional.empty();
  }
}
