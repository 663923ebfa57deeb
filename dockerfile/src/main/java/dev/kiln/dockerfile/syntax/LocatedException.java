package dev.kiln.dockerfile.syntax;

import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.SourceInfo;
import dev.kiln.model.SourceRange;
import java.util.ArrayList;
import java.util.List;

/**
 * A failure with the places in the Dockerfile that it speaks of, from the inside out. It stays
 * inside this module: {@link #in} turns it into a {@code BuildException} once the file is known.
 * Immutable.
 */
public final class LocatedException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final transient List<List<SourceRange>> places;
  private final transient BuildException failure;

  private LocatedException(BuildException failure, List<List<SourceRange>> places) {
    super(failure.getMessage(), failure);
    this.failure = failure;
    this.places = List.copyOf(places);
  }

  /** {@code failure} with one more place, outside the ones that it has. */
  public static LocatedException at(List<SourceRange> place, RuntimeException failure) {
    if (failure instanceof LocatedException located) {
      var places = new ArrayList<>(located.places);
      places.add(place);
      return new LocatedException(located.failure, places);
    }
    return new LocatedException(BuildException.of(failure), List.of(place));
  }

  /** {@code failure} at {@code place} alone, whatever place it had before. */
  public static LocatedException only(List<SourceRange> place, RuntimeException failure) {
    return new LocatedException(
        failure instanceof LocatedException located ? located.failure : BuildException.of(failure),
        List.of(place));
  }

  /** The same places, with a message seen from further out. */
  public LocatedException wrap(String context) {
    return new LocatedException(failure.wrap(context), places);
  }

  public List<List<SourceRange>> places() {
    return places;
  }

  /** The failure without its places. */
  public BuildException failure() {
    return failure;
  }

  /** The failure with each place as a detail in {@code source}. */
  public BuildException in(SourceInfo source) {
    BuildException result = failure;
    for (List<SourceRange> place : places) {
      result = result.with(new Detail.SourceLocation(source, place));
    }
    return result;
  }
}
