package dev.kiln.control;

import dev.kiln.gateway.BuildLog;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * What the daemon's log says of one build, when it has ended: its ref, frontend, result, time and
 * steps. The frontend is the one that ran, also where the client called it itself, as buildctl and
 * buildx do; {@code llb} where the client sent graphs alone. No option is shown, and no value of a
 * build argument in a failure's text. Confined to one thread.
 */
final class BuildLine {
  private static final int LONGEST = 300;
  private static final int LONGEST_NAME = 100;
  private static final String ARGUMENT = "build-arg:";
  private static final int SHORTEST_VALUE = 4; // shorter ones are words of the message too

  private final SolveRequest request;
  private final long begun = System.nanoTime();
  private Optional<BuildLog> frontends = Optional.empty();
  private Optional<BuildHistoryRecord> record = Optional.empty();

  BuildLine(SolveRequest request) {
    this.request = request;
  }

  /** Knows from here on what frontends do. */
  void begun(BuildLog log) {
    frontends = Optional.of(log);
  }

  /** Counts the steps. */
  void recorded(BuildHistoryRecord ended) {
    record = Optional.of(ended);
  }

  /**
   * Says it.
   *
   * @param failure empty where the build was well
   */
  void say(Logger log, Optional<? extends Throwable> failure) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("ref", clipped(request.getRef(), LONGEST_NAME));
    fields.put("frontend", clipped(frontend(), LONGEST_NAME));
    fields.put("ms", (System.nanoTime() - begun) / 1_000_000);
    fields.put("result", failure.map(e -> BuildException.of(e).kind().name()).orElse("OK"));
    record.ifPresent(r -> {
      fields.put("steps", r.getNumTotalSteps());
      fields.put("cached", r.getNumCachedSteps());
      fields.put("run", Math.max(0, r.getNumCompletedSteps() - r.getNumCachedSteps()));
    });
    failure.ifPresent(e -> fields.put("reason", reason(BuildException.of(e))));
    LoggingEventBuilder line = log.atInfo();
    for (var field : fields.entrySet()) {
      line = line.addKeyValue(field.getKey(), field.getValue());
    }
    line.log("build ended");
  }

  /** Empty for a build that ended before it asked for anything. */
  private String frontend() {
    if (!request.getFrontend().isEmpty()) {
      return request.getFrontend();
    }
    Optional<String> asked = frontends.flatMap(BuildLog::asked).map(BuildLog.Asked::frontend);
    boolean graphs = frontends.filter(log -> !log.graphs().isEmpty()).isPresent();
    return asked.orElse(graphs ? "llb" : "");
  }

  /** A process's failure names its command line, which is nobody's but its author's. */
  private String reason(BuildException failure) {
    for (Detail detail : failure.details()) {
      if (detail instanceof Detail.ProcessExited(int code)) {
        return "exit code: " + code;
      }
    }
    String text = SecretText.masked(String.valueOf(failure.getMessage()));
    for (var option : request.getFrontendAttrsMap().entrySet()) {
      if (option.getKey().startsWith(ARGUMENT) && option.getValue().length() >= SHORTEST_VALUE) {
        text = text.replace(option.getValue(), "***");
      }
    }
    return clipped(text, LONGEST);
  }

  private static String clipped(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most) + "…";
  }
}
