package dev.kiln.dockerfile.syntax;

import dev.kiln.dockerfile.text.GoText;
import java.util.ArrayList;
import java.util.List;

/**
 * Splits at white space outside quotes; quotes and escapes stay in the words, for expansion to
 * resolve later. Immutable.
 */
record QuotedWords(char escape) {
  List<String> split(String text) {
    var words = new ArrayList<String>();
    var word = new StringBuilder();
    boolean inWord = false;
    char quote = 0;
    for (int at = 0; at < text.length(); at++) {
      char c = text.charAt(at);
      if (quote == 0 && GoText.isSpace(c)) {
        if (inWord && !word.isEmpty()) {
          words.add(word.toString());
        }
        word.setLength(0);
        inWord = false;
        continue;
      }
      inWord = true;
      if (c == escape && quote != '\'') { // nothing is escaped inside single quotes
        if (at + 1 == text.length()) {
          break; // a last, lonely escape is dropped
        }
        word.append(c).append(text.charAt(++at));
        continue;
      }
      if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      }
      word.append(c);
    }
    if (!word.isEmpty()) {
      words.add(word.toString());
    }
    return words;
  }
}
