package dev.kiln.sources;

import com.google.re2j.Matcher;

/**
 * Go's templates of {@code Regexp.Expand}: {@code $name}, {@code ${name}} and {@code $$}, where an
 * unbraced name is as long as it can be and an unknown one is empty. Pure.
 */
final class Template {
  private Template() {}

  static String expand(String template, Matcher match) {
    var out = new StringBuilder();
    int i = 0;
    while (i < template.length()) {
      int dollar = template.indexOf('$', i);
      if (dollar < 0) {
        return out.append(template, i, template.length()).toString();
      }
      out.append(template, i, dollar);
      i = dollar + 1;
      if (i < template.length() && template.charAt(i) == '$') {
        out.append('$');
        i++;
        continue;
      }
      boolean braced = i < template.length() && template.charAt(i) == '{';
      int start = braced ? i + 1 : i;
      int end = start;
      while (end < template.length() && isNameCharacter(template.charAt(end))) {
        end++;
      }
      boolean wellFormed =
          end > start && (!braced || end < template.length() && template.charAt(end) == '}');
      if (!wellFormed) {
        out.append('$'); // stands for itself
        continue;
      }
      out.append(group(template.substring(start, end), match));
      i = braced ? end + 1 : end;
    }
    return out.toString();
  }

  private static boolean isNameCharacter(char c) {
    return c == '_' || Character.isLetterOrDigit(c);
  }

  private static String group(String name, Matcher match) {
    String value;
    if (name.chars().allMatch(Character::isDigit)) {
      // More digits than any pattern has groups
      int n = name.length() > 6 ? Integer.MAX_VALUE : Integer.parseInt(name);
      value = n <= match.groupCount() ? match.group(n) : "";
    } else {
      try {
        value = match.group(name);
      } catch (IllegalArgumentException e) {
        value = "";
      }
    }
    return value == null ? "" : value;
  }
}
