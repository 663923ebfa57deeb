package dev.kiln.dockerfile;

import dev.kiln.dockerfile.syntax.DockerfileParser;
import dev.kiln.dockerfile.syntax.DockerfileText;
import dev.kiln.llb.FrontendResult;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long a file of 2,000 lines and 100 stages takes when the JVM is warm. Run it by {@code ./mvnw
 * -Pbench -Dquick -DskipTests -pl dockerfile -am test}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 10, time = 1)
@Fork(1)
public class ConvertBenchmark {
  private final String text = LargeDockerfile.text();

  /** The text to statements. */
  @Benchmark
  public DockerfileText parse() {
    return DockerfileParser.parse(text);
  }

  /** A whole call of the frontend: the text read, checked, converted and written as LLB. */
  @Benchmark
  public FrontendResult convert() throws InterruptedException {
    return new DockerfileFrontend().solve(LargeDockerfile.client(text), Map.of(), Map.of());
  }
}
