package dev.kiln.session.tree;

import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * How a tree is received. Immutable.
 *
 * @param trustMetadata whether a file whose metadata is the same is left as it is; otherwise every
 *     file is sent
 * @param knownFolder whether the source is the folder of which the destination is a copy; otherwise
 *     files of equal metadata are believed only where times have fractions that show it
 * @param keepOthers whether files that the sender does not list stay (they are removed otherwise);
 *     nothing is compared then
 * @param onlyMetadata where present, only the list of entries is received, into {@link
 *     TreeReceiver#METADATA_FILE}, and of the files themselves those that this accepts
 * @param map changes an entry's metadata before it is compared and written
 * @param changes told of what is written and removed
 * @param received told of the bytes received so far, from one thread
 */
public record ReceiveOptions(
    boolean trustMetadata,
    boolean knownFolder,
    boolean keepOthers,
    Optional<Predicate<TreeEntry>> onlyMetadata,
    UnaryOperator<TreeEntry> map,
    Optional<TreeChanges> changes,
    LongConsumer received) {
  /** Makes the destination equal to the source; reports to nobody. */
  public static final ReceiveOptions MIRROR =
      new ReceiveOptions(
          true,
          true,
          false,
          Optional.empty(),
          UnaryOperator.identity(),
          Optional.empty(),
          bytes -> {});

  /** Puts the source's files over the destination's; reports to nobody. */
  public static final ReceiveOptions MERGE =
      new ReceiveOptions(
          false,
          true,
          true,
          Optional.empty(),
          UnaryOperator.identity(),
          Optional.empty(),
          bytes -> {});

  public ReceiveOptions withTrustMetadata(boolean trust) {
    return new ReceiveOptions(trust, knownFolder, keepOthers, onlyMetadata, map, changes, received);
  }

  public ReceiveOptions withKnownFolder(boolean known) {
    return new ReceiveOptions(
        trustMetadata, known, keepOthers, onlyMetadata, map, changes, received);
  }

  public ReceiveOptions withOnlyMetadata(Predicate<TreeEntry> sentInFull) {
    return new ReceiveOptions(
        trustMetadata, knownFolder, keepOthers, Optional.of(sentInFull), map, changes, received);
  }

  public ReceiveOptions withMap(UnaryOperator<TreeEntry> to) {
    return new ReceiveOptions(
        trustMetadata, knownFolder, keepOthers, onlyMetadata, to, changes, received);
  }

  public ReceiveOptions withChanges(TreeChanges to) {
    return new ReceiveOptions(
        trustMetadata, knownFolder, keepOthers, onlyMetadata, map, Optional.of(to), received);
  }

  public ReceiveOptions withReceived(LongConsumer to) {
    return new ReceiveOptions(
        trustMetadata, knownFolder, keepOthers, onlyMetadata, map, changes, to);
  }
}
