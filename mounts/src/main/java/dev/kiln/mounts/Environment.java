package dev.kiln.mounts;

import dev.kiln.llb.ExecOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.Secrets;
import dev.kiln.session.SessionGroup;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What is added to the environment of a step's process. Stateless, any thread. */
public final class Environment {
  public static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private static final String DEFAULT_PATH_WINDOWS =
      "c:\\Windows\\System32;c:\\Windows;C:\\Windows\\System32\\WindowsPowerShell\\v1.0";

  private Environment() {}

  /** Where programs of a system are looked for; the empty name is Linux. */
  public static String defaultPath(String os) {
    return os.equals("windows") ? DEFAULT_PATH_WINDOWS : DEFAULT_PATH;
  }

  /** Adds {@code name=value} where {@code env} does not set the name. */
  public static void addDefault(List<String> env, String name, String value) {
    if (env.stream().noneMatch(e -> e.startsWith(name + "="))) {
      env.add(name + "=" + value);
    }
  }

  /** Each proxy under both spellings of its name. */
  public static List<String> proxies(ExecOp.ProxyEnv proxy) {
    var env = new ArrayList<String>();
    add(env, "HTTP_PROXY", proxy.httpProxy());
    add(env, "HTTPS_PROXY", proxy.httpsProxy());
    add(env, "FTP_PROXY", proxy.ftpProxy());
    add(env, "NO_PROXY", proxy.noProxy());
    add(env, "ALL_PROXY", proxy.allProxy());
    return env;
  }

  private static void add(List<String> env, String name, String value) {
    if (!value.isEmpty()) {
      env.add(name + "=" + value);
      env.add(name.toLowerCase(java.util.Locale.ROOT) + "=" + value);
    }
  }

  /**
   * Variables whose values are secrets of the sessions; blocks.
   *
   * @throws BuildException {@code NOT_FOUND} for a missing one that is not optional; an optional
   *     one is then empty
   */
  public static List<String> secrets(List<ExecOp.SecretEnv> wanted, SessionGroup sessions)
      throws InterruptedException {
    var env = new ArrayList<String>();
    for (ExecOp.SecretEnv secret : wanted) {
      if (secret.id().isEmpty()) {
        throw new BuildException(
            Kind.INVALID, "secret ID missing for \"" + secret.name() + "\" environment variable");
      }
      String value = "";
      try {
        value = new String(Secrets.get(sessions, secret.id()), StandardCharsets.UTF_8);
      } catch (BuildException e) {
        if (e.kind() != Kind.NOT_FOUND || !secret.optional()) {
          throw e;
        }
      }
      env.add(secret.name() + "=" + value);
    }
    return env;
  }
}
