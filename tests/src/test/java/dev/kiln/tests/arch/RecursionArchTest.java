package dev.kiln.tests.arch;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * No recursion whose depth an input chooses (CONTRIBUTING.md). Every cycle of calls goes through a
 * method of {@code recursion.txt}, which says what bounds it. Generated protobuf classes are left
 * out: protobuf refuses more than 100 messages within each other when it reads them.
 */
class RecursionArchTest {
  private static final CallGraph KILN = CallGraph.of(Kiln.CLASSES, RecursionArchTest::written);

  private static boolean written(JavaClass in) {
    return in.getPackageName().startsWith("dev.kiln") && !isGenerated(in);
  }

  private static boolean isGenerated(JavaClass in) {
    return in.isAssignableTo("com.google.protobuf.MessageOrBuilder")
        || in.isAssignableTo("com.google.protobuf.ProtocolMessageEnum")
        || in.getPackageName().matches("dev\\.kiln\\.grpc\\.(pb|control|gateway)(\\..*)?")
        || in.getEnclosingClass().map(RecursionArchTest::isGenerated).orElse(false);
  }

  @Test
  void everyRecursionIsListedWithItsBound() throws IOException {
    assertThat(KILN.cyclesWithout(listed().keySet()))
        .as(
            "methods that call themselves or each other: write a loop with the way in a deque, or"
                + " bound the depth, refuse more in words, and list the method that does so in"
                + " recursion.txt beside this test, with its bound")
        .isEmpty();
  }

  @Test
  void everyListedMethodIsRecursiveAndSaysItsBound() throws IOException {
    Map<String, String> listed = listed();
    assertThat(listed).allSatisfy((method, bound) -> assertThat(bound).as(method).isNotBlank());
    Set<String> idle = new TreeSet<>();
    for (String method : listed.keySet()) {
      Set<String> others = new TreeSet<>(listed.keySet());
      others.remove(method);
      boolean comesBack =
          KILN.cyclesWithout(others).stream()
              .flatMap(Set::stream)
              .anyMatch(each -> CallGraph.shortName(each).equals(method));
      if (!comesBack) {
        idle.add(method);
      }
    }
    assertThat(idle)
        .as("no call comes back to them, or only by way of another that is listed: take them out")
        .isEmpty();
  }

  /** Method to bound; each line of the list is a method, a blank and the bound. */
  private static Map<String, String> listed() throws IOException {
    try (var in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(
                    RecursionArchTest.class.getResourceAsStream("recursion.txt")),
                StandardCharsets.UTF_8))) {
      return in.lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(line -> line.split(" ", 2))
          .collect(
              Collectors.toMap(
                  part -> part[0],
                  part -> part.length < 2 ? "" : part[1],
                  (a, b) -> a + "; " + b,
                  TreeMap::new));
    }
  }

  @Test
  void aMethodThatCallsItselfIsFound() {
    assertThat(cyclesOf(Self.class)).containsExactly(Set.of("Self.down"));
  }

  @Test
  void methodsThatCallEachOtherAreFound() {
    assertThat(cyclesOf(Pair.class)).containsExactly(Set.of("Pair.even", "Pair.odd"));
  }

  @Test
  void aCallWithinALambdaOrByReferenceIsFound() {
    assertThat(cyclesOf(Lambda.class)).containsExactly(Set.of("Lambda.all"));
    assertThat(cyclesOf(Reference.class)).containsExactly(Set.of("Reference.all"));
  }

  @Test
  void aCallOfAnInterfaceIsOneOfThoseThatImplementIt() {
    assertThat(cyclesOf(Part.class, Whole.class)).containsExactly(Set.of("Whole.size"));
    assertThat(cyclesOf(Reader.class, TextReader.class))
        .hasSize(1)
        .first()
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.SET)
        .contains("TextReader.read");
  }

  @Test
  void overloadsThatCallOnwardsAreNoRecursion() {
    assertThat(cyclesOf(Overloads.class)).isEmpty();
  }

  @Test
  void aListedMethodCutsItsCycleAndNoOther() {
    CallGraph graph = graphOf(Self.class, Pair.class);
    String pair = Pair.class.getName();
    assertThat(graph.cyclesWithout(Set.of(pair + ".odd"))).hasSize(1);
    assertThat(graph.cyclesWithout(Set.of(pair + ".odd", Self.class.getName() + ".down")))
        .isEmpty();
  }

  private static CallGraph graphOf(Class<?>... of) {
    JavaClasses classes = new ClassFileImporter().importClasses(of);
    return CallGraph.of(classes, in -> in.getName().startsWith("dev.kiln"));
  }

  private static List<Set<String>> cyclesOf(Class<?>... of) {
    return graphOf(of).cycles().stream()
        .map(cycle ->
            cycle.stream()
                .map(CallGraph::shortName)
                .map(name -> name.substring(name.indexOf('$') + 1))
                .collect(Collectors.toSet()))
        .toList();
  }

  @SuppressWarnings("unused")
  private static final class Self {
    int down(int n) {
      return n == 0 ? 0 : down(n - 1);
    }
  }

  @SuppressWarnings("unused")
  private static final class Pair {
    boolean even(int n) {
      return n == 0 || odd(n - 1);
    }

    boolean odd(int n) {
      return n != 0 && even(n - 1);
    }
  }

  @SuppressWarnings("unused")
  private static final class Lambda {
    int all(int n) {
      IntUnaryOperator down = m -> m == 0 ? 0 : all(m - 1);
      return down.applyAsInt(n);
    }
  }

  @SuppressWarnings("unused")
  private static final class Reference {
    int all(int n) {
      IntUnaryOperator down = this::all;
      return n == 0 ? 0 : down.applyAsInt(n - 1);
    }
  }

  private interface Part {
    int size();
  }

  @SuppressWarnings("unused")
  private record Whole(List<Part> parts) implements Part {
    @Override
    public int size() {
      int size = 0;
      for (Part part : parts) {
        size += part.size();
      }
      return size;
    }
  }

  private interface Reader<T> {
    int read(T from, Reader<T> next);
  }

  @SuppressWarnings("unused")
  private static final class TextReader implements Reader<String> {
    @Override
    public int read(String from, Reader<String> next) {
      return next.read(from, this);
    }
  }

  @SuppressWarnings("unused")
  private static final class Overloads {
    int sum(int a) {
      return sum(a, 0);
    }

    int sum(int a, int b) {
      return a + b;
    }
  }
}
