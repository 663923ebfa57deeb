package dev.kiln.control.history;

import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.BuildResultInfo;
import dev.kiln.grpc.control.Descriptor;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.Manifests;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which blobs a record keeps: those that it names, and below a result its manifests, configurations
 * and statements. Layers are left out, so that a history of images does not keep their files
 * (BuildKit v0.22 {@code solver/llbsolver/history.go}). Immutable, any thread.
 *
 * @param content the bytes of a blob; empty where it is not here
 */
record RecordBlobs(Function<Digest, Optional<byte[]>> content) {
  private static final Logger LOG = LoggerFactory.getLogger(RecordBlobs.class);

  /** The blobs that the record names itself. */
  static Set<Digest> named(BuildHistoryRecord record) {
    var all =
        new ArrayList<Descriptor>(
            List.of(record.getLogs(), record.getTrace(), record.getExternalError()));
    for (BuildResultInfo result : results(record)) {
      all.addAll(result.getAttestationsList());
      all.addAll(images(result));
    }
    return all.stream()
        .map(Descriptor::getDigest)
        .filter(Digest::isValid)
        .map(Digest::new)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** All that it keeps. */
  Set<Digest> of(BuildHistoryRecord record) {
    Set<Digest> kept = named(record);
    for (BuildResultInfo result : results(record)) {
      for (Descriptor image : images(result)) {
        if (Digest.isValid(image.getDigest())) {
          below(image.getMediaType(), new Digest(image.getDigest()), kept);
        }
      }
    }
    return kept;
  }

  private static List<BuildResultInfo> results(BuildHistoryRecord record) {
    var all = new ArrayList<>(record.getResultsMap().values());
    all.add(record.getResult());
    return all;
  }

  private static List<Descriptor> images(BuildResultInfo result) {
    var all = new ArrayList<>(result.getResultsMap().values());
    all.add(result.getResultDeprecated());
    return all;
  }

  private void below(String mediaType, Digest digest, Set<Digest> kept) {
    if (!hasParts(mediaType)) {
      return;
    }
    var open = new ArrayDeque<>(List.of(new dev.kiln.model.Descriptor(mediaType, digest, 0)));
    while (!open.isEmpty()) {
      dev.kiln.model.Descriptor of = open.pop();
      // what is gone keeps nothing
      content
          .apply(of.digest())
          .ifPresent(json -> {
            for (dev.kiln.model.Descriptor child : named(of, json, kept)) {
              if (kept.add(child.digest()) && hasParts(child.mediaType())) {
                open.push(child);
              }
            }
          });
    }
  }

  private static boolean hasParts(String mediaType) {
    return MediaTypes.isIndex(mediaType) || MediaTypes.isManifest(mediaType);
  }

  /** What an index names; of a manifest, the parts that records keep go to {@code kept}. */
  private static List<dev.kiln.model.Descriptor> named(
      dev.kiln.model.Descriptor of, byte[] json, Set<Digest> kept) {
    try {
      if (MediaTypes.isIndex(of.mediaType())) {
        return Manifests.index(json);
      }
      Manifests.Manifest manifest = Manifests.manifest(json);
      kept.add(manifest.config().digest());
      manifest.layers().stream()
          .filter(layer -> layer.mediaType().equals(MediaTypes.IN_TOTO))
          .forEach(statement -> kept.add(statement.digest()));
    } catch (BuildException e) {
      LOG.warn("the manifest {} of a build's record cannot be read", of.digest(), e);
    }
    return List.of();
  }
}
