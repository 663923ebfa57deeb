package dev.kiln.control;

import com.google.re2j.Pattern;
import dev.kiln.llb.CacheImport;
import dev.kiln.tracing.Redaction;
import java.util.stream.Collectors;

/**
 * Takes the secrets of cache options and of URLs out of texts of clients: their spans hold their
 * command lines, {@code --export-cache=type=gha,token=…} for one. Pure.
 */
final class SecretText {
  private static final String NAMES =
      CacheImport.SECRETS.stream().map(Pattern::quote).collect(Collectors.joining("|"));

  /** In quotes up to the closing one, else up to what ends an option. */
  private static final Pattern SECRET =
      Pattern.compile(
          "(\"(?:" + NAMES + ")=)[^\"]*|\\b((?:" + NAMES + ")=)[^,\"\\s]*",
          Pattern.CASE_INSENSITIVE);

  private SecretText() {}

  /** The same with three asterisks for each secret, and URLs as {@link Redaction} has them. */
  static String masked(String text) {
    return Redaction.forOperators(
        text.indexOf('=') < 0 ? text : SECRET.matcher(text).replaceAll("$1$2***"));
  }
}
