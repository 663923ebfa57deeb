package dev.kiln.dockerfile.shell;

import dev.kiln.dockerfile.text.GoText;
import java.util.ArrayList;
import java.util.List;

/** Collects expanded text, and beside it the words into which white space splits it. */
final class WordSink {
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder word = new StringBuilder();
  private final List<String> words = new ArrayList<>();

  /** Text whose white space splits words. */
  void addSplit(String part) {
    text.append(part);
    part.codePoints().forEach(this::splitOrAppend);
  }

  void addSplit(int codePoint) {
    text.appendCodePoint(codePoint);
    splitOrAppend(codePoint);
  }

  private void splitOrAppend(int codePoint) {
    if (!GoText.isSpace(codePoint)) {
      word.appendCodePoint(codePoint);
    } else if (!word.isEmpty()) {
      words.add(word.toString());
      word.setLength(0);
    }
  }

  /** Text that stays in one word. */
  void addWhole(String part) {
    text.append(part);
    word.append(part);
  }

  void addWhole(int codePoint) {
    text.appendCodePoint(codePoint);
    word.appendCodePoint(codePoint);
  }

  String text() {
    return text.toString();
  }

  List<String> words() {
    if (!word.isEmpty()) {
      words.add(word.toString());
      word.setLength(0);
    }
    return words;
  }
}
