package dev.kiln.dockerfile.shell;

import java.util.List;
import java.util.Set;

/**
 * A word after expansion.
 *
 * @param words the text split at white space that no quote protects
 * @param matched variables that were used and set
 * @param unmatched variables that were used and not set
 */
public record Expansion(
    String text, List<String> words, Set<String> matched, Set<String> unmatched) {}
