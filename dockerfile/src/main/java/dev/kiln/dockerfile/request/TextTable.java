package dev.kiln.dockerfile.request;

import java.util.ArrayList;
import java.util.List;

/** Columns of text, each as wide as its widest cell. One thread. */
final class TextTable {
  private final int gap;
  private final List<List<String>> rows = new ArrayList<>();

  TextTable(int gap) {
    this.gap = gap;
  }

  TextTable row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  @Override
  public String toString() {
    var out = new StringBuilder();
    for (List<String> row : rows) {
      for (int column = 0; column < row.size() - 1; column++) {
        String cell = row.get(column);
        out.append(cell).append(" ".repeat(width(column) + gap - cell.length()));
      }
      out.append(row.getLast()).append('\n');
    }
    return out.toString();
  }

  private int width(int column) {
    return rows.stream()
        .filter(row -> column < row.size() - 1)
        .mapToInt(row -> row.get(column).length())
        .max()
        .orElse(0);
  }
}
