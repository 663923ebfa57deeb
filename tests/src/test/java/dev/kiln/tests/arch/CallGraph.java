package dev.kiln.tests.arch;

import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Which methods call which, among the classes given. The body of a lambda belongs to the method
 * that holds it, and a method that is referred to counts as called. A call of a method that can be
 * overridden is one of every class that does so below the type it is made on. Not seen: calls
 * through types of others ({@code Runnable}, {@code Iterator}), calls of a lambda from where it is
 * handed to, and what the JDK makes of records ({@code equals}, {@code hashCode}, {@code
 * toString}). Immutable.
 */
final class CallGraph {
  private final Map<String, Set<String>> callees = new TreeMap<>();
  private final Map<String, Set<String>> callers = new TreeMap<>();

  /** The calls within the classes of {@code all} that are in {@code counts}. */
  static CallGraph of(JavaClasses all, Predicate<JavaClass> counts) {
    var graph = new CallGraph();
    for (JavaClass in : all) {
      if (counts.test(in)) {
        for (JavaCodeUnit caller : in.getCodeUnits()) {
          caller.getAccessesFromSelf().forEach(call -> graph.enter(caller, call, counts));
        }
      }
    }
    return graph;
  }

  private void enter(JavaCodeUnit caller, JavaAccess<?> access, Predicate<JavaClass> counts) {
    if (access.getTarget() instanceof CodeUnitAccessTarget target) {
      for (JavaCodeUnit callee : whatRuns(target, counts)) {
        if (counts.test(callee.getOwner()) && !isBridge(caller, callee)) {
          callees
              .computeIfAbsent(caller.getFullName(), _ -> new TreeSet<>())
              .add(callee.getFullName());
          callers
              .computeIfAbsent(callee.getFullName(), _ -> new TreeSet<>())
              .add(caller.getFullName());
        }
      }
    }
  }

  /** Of a method that returns more than the one it overrides: both have one name here. */
  private static boolean isBridge(JavaCodeUnit caller, JavaCodeUnit callee) {
    return caller.getModifiers().contains(JavaModifier.BRIDGE)
        && caller.getFullName().equals(callee.getFullName());
  }

  private static List<JavaCodeUnit> whatRuns(
      CodeUnitAccessTarget target, Predicate<JavaClass> counts) {
    List<JavaCodeUnit> all = new ArrayList<>();
    Optional<? extends JavaCodeUnit> named = target.resolveMember();
    named.ifPresent(all::add);
    if (counts.test(target.getOwner())
        && named.orElse(null) instanceof JavaMethod method
        && !method.getModifiers().contains(JavaModifier.STATIC)
        && !method.getModifiers().contains(JavaModifier.PRIVATE)) {
      String[] parameters =
          method.getRawParameterTypes().stream().map(JavaClass::getName).toArray(String[]::new);
      for (JavaClass below : target.getOwner().getAllSubclasses()) {
        below.tryGetMethod(method.getName(), parameters).ifPresent(all::add);
      }
    }
    return all;
  }

  /** A method's class and name, without its parameters. */
  static String shortName(String method) {
    return method.substring(0, method.indexOf('('));
  }

  /** The methods that reach themselves, those that reach each other in one set. */
  List<Set<String>> cycles() {
    return cyclesWithout(Set.of());
  }

  /** What of {@link #cycles} is left where no call goes through these, told by short names. */
  List<Set<String>> cyclesWithout(Set<String> shortNames) {
    Set<String> left = new TreeSet<>(callees.keySet());
    left.removeIf(method -> shortNames.contains(shortName(method)));
    boolean again = true;
    while (again) { // an end of a path is on no cycle
      again =
          left.removeIf(
              method -> reachNone(method, callees, left) || reachNone(method, callers, left));
    }
    List<Set<String>> cycles = new ArrayList<>();
    while (!left.isEmpty()) {
      String method = left.iterator().next();
      Set<String> cycle = reachable(method, callees, left);
      cycle.retainAll(reachable(method, callers, left));
      if (!cycle.isEmpty()) {
        cycles.add(new TreeSet<>(cycle));
      }
      left.remove(method);
      left.removeAll(cycle);
    }
    return cycles;
  }

  private static boolean reachNone(
      String method, Map<String, Set<String>> steps, Set<String> within) {
    return steps.getOrDefault(method, Set.of()).stream().noneMatch(within::contains);
  }

  /** By one step or more: {@code from} is among them where it reaches itself. */
  private static Set<String> reachable(
      String from, Map<String, Set<String>> steps, Set<String> within) {
    Set<String> seen = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(from));
    while (!open.isEmpty()) {
      for (String next : steps.getOrDefault(open.pop(), Set.of())) {
        if (within.contains(next) && seen.add(next)) {
          open.push(next);
        }
      }
    }
    return seen;
  }
}
