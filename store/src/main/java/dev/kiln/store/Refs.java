package dev.kiln.store;

import dev.kiln.model.Digest;
import dev.kiln.model.StepProgress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The file system states of this daemon, by id. States are recorded in the database and stay after
 * use until pruned; every method that yields one takes the {@link Lease} that holds it from then
 * on. An absent state (scratch) is {@code Optional.empty()}.
 *
 * <p>Any thread. Methods block on disk and on mounts: call them through {@code
 * Blocking.onPlatform}. They throw {@link dev.kiln.model.BuildException}: {@code NOT_FOUND} for an
 * unknown id, {@code EXHAUSTED} for a full disk.
 */
public interface Refs {
  /**
   * The ref of that id; counts as a use.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND} where it is unknown, or lazy and nobody
   *     is left to bring it
   */
  Ref get(Lease lease, RefId id);

  /** A new writable state on top of {@code parent}, which is brought here first if it is lazy. */
  ActiveRef create(Lease lease, Optional<RefId> parent, RefOptions options, StepProgress progress)
      throws InterruptedException;

  /**
   * An image layer on top of {@code parent}; nothing is fetched now. Layers of which the same is
   * said are one ref, whoever asks; others of the same content share what is verified of it. {@code
   * from} is kept in memory and asked before earlier ones.
   */
  Ref layer(Lease lease, Optional<RefId> parent, Layer layer, BlobSource from, RefOptions options);

  /**
   * Tells who else can bring the layers of a chain, bottom first, as far as they are known here:
   * those who brought them up to now may be gone before a lazy one is needed.
   */
  void offer(List<Layer> chain, BlobSource from);

  /**
   * The inputs on top of each other, deletions of later ones applied to earlier ones. Nothing is
   * copied. One input is returned as it is.
   */
  Ref merge(Lease lease, List<RefId> inputs, RefOptions options);

  /**
   * What {@code upper} adds to, changes of and deletes from {@code lower}; reuses the layers of
   * {@code upper} where it is built on {@code lower}. Empty where there is no difference to be seen
   * from the two ids; {@code upper} itself where there is no lower.
   */
  Optional<Ref> diff(
      Lease lease,
      Optional<RefId> lower,
      Optional<RefId> upper,
      RefOptions options,
      StepProgress progress)
      throws InterruptedException;

  /** Brings everything below {@code id} here: fetches and unpacks layers, several at once. */
  void unlazy(RefId id, StepProgress progress) throws InterruptedException;

  /** Whether any layer below {@code id} is not here yet. */
  boolean isLazy(RefId id);

  /** The state mounted read-only, after {@link #unlazy}. */
  View view(RefId id, StepProgress progress) throws InterruptedException;

  /**
   * The layers of the state, bottom first; missing blobs are made, several at once, and concurrent
   * callers share the work. Lazy layers are not fetched: their blob may be absent from the content
   * store (see {@link #fetchBlobs}), unless the compression forces a conversion.
   */
  List<Layer> layers(RefId id, LayerOptions options, StepProgress progress)
      throws InterruptedException;

  /** The same where no blob is to be made; empty where one is missing. */
  Optional<List<Layer>> knownLayers(RefId id, LayerOptions options);

  /** Brings the blobs of lazy layers of {@code id} into the content store, packed as they are. */
  void fetchBlobs(RefId id, StepProgress progress) throws InterruptedException;

  /** The checksum of a part of the state, equal to BuildKit's; remembered with the state. */
  Digest contentHash(RefId id, ContentQuery query, StepProgress progress)
      throws InterruptedException;

  /**
   * A named state to write in: the one that was kept under {@code key}, or a new one on top of
   * {@code parent}.
   *
   * @throws InterruptedException while it waits for a {@link Sharing#LOCKED} one
   */
  MutableRef claim(
      Lease lease, String key, Optional<RefId> parent, Sharing sharing, RefOptions options)
      throws InterruptedException;

  /**
   * Notes a fact about a ref, to find the ref by it again ({@link #indexed}): one value for a key,
   * kept while the ref is. Sources find fetched files and checkouts so.
   */
  void index(RefId id, String key, String value);

  /** The refs noted under {@code key}, the newest first. */
  List<Indexed> indexed(String key);

  /** A ref found by {@link #indexed}. Immutable. */
  record Indexed(RefId id, String value) {}

  /**
   * Takes a key away from the states kept under it: the next {@link #claim} makes a new one. Those
   * claimed now stay with their claims, and are collected like others afterwards.
   *
   * @param below whether the states of keys that start with {@code key + ":"} are meant instead
   */
  void forget(String key, boolean below);

  /**
   * What there is.
   *
   * @param ageLimit more than zero leaves out what was used within it
   */
  List<UsageRecord> usage(List<String> filters, Duration ageLimit);

  /**
   * Removes what the request allows, each told to {@code removed} when it is gone. Never removes
   * what is in use or another record is built on.
   */
  void prune(PruneRequest request, Consumer<UsageRecord> removed) throws InterruptedException;

  /**
   * Removes blobs that no ref, lease or pin keeps. {@link #prune} does it for blobs older than an
   * hour, as younger ones may belong to a build that does not hold them yet.
   *
   * @param grace younger ones stay
   */
  void sweepBlobs(Duration grace);

  /** Called for every ref that is removed, so that cache records of it can go too. */
  void onRemoved(Consumer<RefId> listener);

  /**
   * Returns when everything recorded before the call survives the death of the process. A build is
   * answered only after this.
   */
  void flush() throws InterruptedException;
}
