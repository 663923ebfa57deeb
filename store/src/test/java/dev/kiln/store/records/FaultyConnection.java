package dev.kiln.store.records;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;

/** A connection to SQLite whose disk, or whose code, fails where a test wants it to. */
final class FaultyConnection {
  /** What fails next: a statement that begins so, after so many that do not; cleared by a test. */
  record Fault(String sql, int after, Throwable failure) {}

  private volatile @org.jspecify.annotations.Nullable Fault fault;
  private final AtomicInteger seen = new AtomicInteger();
  final AtomicInteger connections = new AtomicInteger();

  /** As SQLite's own, which the driver makes of a result code. */
  static SQLException sqlite(int code, String message) {
    return new SQLException(message, null, code);
  }

  void fails(String sql, int after, Throwable failure) {
    seen.set(0);
    fault = new Fault(sql, after, failure);
  }

  void works() {
    fault = null;
  }

  private void before(String sql) throws Throwable {
    Fault now = fault;
    if (now != null && sql.startsWith(now.sql()) && seen.getAndIncrement() >= now.after()) {
      throw now.failure();
    }
  }

  Connection of(Connection real) {
    connections.incrementAndGet();
    return proxy(
        Connection.class,
        (_, method, args) -> {
          if (method.getName().equals("prepareStatement")) {
            String sql = (String) args[0];
            return prepared(sql, (PreparedStatement) call(method, real, args));
          }
          Object result = call(method, real, args);
          return method.getName().equals("createStatement") ? plain((Statement) result) : result;
        });
  }

  private Statement plain(Statement real) {
    return proxy(
        Statement.class,
        (_, method, args) -> {
          if (method.getName().startsWith("execute")) {
            before((String) args[0]);
          }
          return call(method, real, args);
        });
  }

  private PreparedStatement prepared(String sql, PreparedStatement real) {
    return proxy(
        PreparedStatement.class,
        (_, method, args) -> {
          if (method.getName().equals("executeUpdate")) {
            before(sql);
          }
          return call(method, real, args);
        });
  }

  private static Object call(java.lang.reflect.Method method, Object on, Object[] args)
      throws Throwable {
    try {
      return method.invoke(on, args);
    } catch (InvocationTargetException e) {
      throw e.getTargetException();
    }
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            FaultyConnection.class.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
