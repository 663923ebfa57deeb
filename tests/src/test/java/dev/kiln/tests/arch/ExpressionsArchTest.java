package dev.kiln.tests.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.google.re2j.Pattern;
import com.tngtech.archunit.core.domain.JavaClass;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * RE2/J refuses possessive repetition, looking around and counts above 1,000 when it compiles an
 * expression, which is when the class that holds it is first used.
 */
class ExpressionsArchTest {
  @TestFactory
  Stream<DynamicTest> everyExpressionCanBeCompiled() {
    List<JavaClass> holders = Kiln.CLASSES.stream().filter(ExpressionsArchTest::compiles).toList();
    assertThat(holders).hasSizeGreaterThan(30);
    return holders.stream()
        .map(holder ->
            DynamicTest.dynamicTest(
                holder.getName(),
                () ->
                    assertThatCode(() ->
                            Class.forName(holder.getName(), true, getClass().getClassLoader()))
                        .doesNotThrowAnyException()));
  }

  private static boolean compiles(JavaClass in) {
    return in.getMethodCallsFromSelf().stream()
        .anyMatch(call -> call.getTargetOwner().isEquivalentTo(Pattern.class));
  }
}
