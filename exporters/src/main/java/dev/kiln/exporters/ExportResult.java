package dev.kiln.exporters;

import dev.kiln.model.Descriptor;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an export came to. Immutable.
 *
 * @param response values for the client by key, such as {@code containerimage.digest}
 * @param image what was made, for the build's record
 */
public record ExportResult(SortedMap<String, String> response, Optional<Descriptor> image) {
  public static final ExportResult NOTHING = new ExportResult(Map.of(), Optional.empty());

  public ExportResult {
    response = Collections.unmodifiableSortedMap(new TreeMap<>(response));
  }

  public ExportResult(Map<String, String> response, Optional<Descriptor> image) {
    this(new TreeMap<>(response), image);
  }
}
