package dev.kiln.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.actors.Job;
import dev.kiln.exporters.ExportResult;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.Times;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.BuildResultInfo;
import dev.kiln.grpc.control.Descriptor;
import dev.kiln.grpc.control.Exporter;
import dev.kiln.grpc.rpc.Status;
import dev.kiln.llb.CacheImport;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.MediaTypes;
import dev.kiln.store.content.ContentStore;
import dev.kiln.tracing.Redaction;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Writes the history record of one build. One thread. */
final class BuildRecord {
  /** Spelt so on the wire (features C-21). */
  private static final String ERROR_TYPE = "application/vnd.googeapis.google.rpc.status+proto";

  private static final String CACHE_IMPORTS = "cache-imports";

  private final BuildHistoryRecord started;
  private final Clock clock;

  BuildRecord(BuildRequest request, Clock clock) {
    this.clock = clock;
    var record =
        BuildHistoryRecord.newBuilder()
            .setRef(request.ref())
            .setFrontend(request.frontend())
            .putAllFrontendAttrs(kept(request.frontendAttrs()))
            .setCreatedAt(Times.timestamp(clock.instant()));
    request
        .exports()
        .forEach(export ->
            record.addExporters(
                Exporter.newBuilder()
                    .setType(export.type())
                    .putAllAttrs(redacted(export.attrs()))));
    this.started = record.build();
  }

  private static Map<String, String> redacted(Map<String, String> options) {
    var redacted = new TreeMap<>(options);
    redacted.replaceAll((_, value) -> Redaction.forOperators(value));
    return redacted;
  }

  /** The frontend's options; of caches to import without the secrets, which BuildKit keeps. */
  private static Map<String, String> kept(Map<String, String> options) {
    Map<String, String> kept = redacted(options);
    kept.computeIfPresent(
        CACHE_IMPORTS,
        (_, json) -> {
          try {
            JsonNode caches = Json.parse(json);
            for (JsonNode attrs : caches.findValues("Attrs")) {
              ((ObjectNode) attrs).remove(CacheImport.SECRETS);
            }
            return caches.toString();
          } catch (Json.Malformed | ClassCastException e) {
            return ""; // whatever it is, the frontend has refused it
          }
        });
    return kept;
  }

  BuildHistoryRecord started() {
    return started;
  }

  /**
   * The record after the job has closed. Blocks: keeps the build's log, error and provenance as
   * blobs.
   *
   * @param provenance by the keys of the results
   */
  BuildHistoryRecord ended(
      Job job,
      List<ExportResult> results,
      Map<String, String> response,
      Map<String, Provenances.Told> provenance,
      Optional<BuildException> failure,
      ContentStore content)
      throws InterruptedException {
    var record =
        started.toBuilder()
            .setCompletedAt(Times.timestamp(clock.instant()))
            .putAllExporterResponse(response);
    failure.ifPresent(e -> {
      var status = status(e);
      record.setError(status.toBuilder().clearDetails());
      record.setExternalError(descriptor(content.put(ERROR_TYPE, status.toByteArray())));
    });
    var info = BuildResultInfo.newBuilder();
    for (int i = 0; i < results.size(); i++) {
      Optional<Descriptor> image = results.get(i).image().map(BuildRecord::descriptor);
      if (image.isPresent()) {
        if (!info.hasResultDeprecated()) {
          info.setResultDeprecated(image.get());
        }
        info.putResults(i, image.get());
      }
    }
    provenance.forEach((key, told) -> {
      Descriptor blob =
          descriptor(
              content
                  .put(MediaTypes.IN_TOTO, told.predicate())
                  .withAnnotation("in-toto.io/predicate-type", told.predicateType()));
      if (key.equals(Provenances.DEFAULT)) {
        info.addAttestations(blob);
      } else {
        record.putResults(key, BuildResultInfo.newBuilder().addAttestations(blob).build());
      }
    });
    if (info.getResultsCount() > 0 || info.getAttestationsCount() > 0) {
      record.setResult(info);
    }
    try {
      BuildLog log = BuildLog.save(job.id(), job.progress(), content);
      record
          .setLogs(log.blob())
          .setNumTotalSteps(log.total())
          .setNumCompletedSteps(log.completed())
          .setNumCachedSteps(log.cached())
          .setNumWarnings(log.warnings());
    } catch (IOException e) {
      throw BuildException.of(e).wrap("failed to keep the log of the build");
    }
    return record.build();
  }

  /** The record of a build of which nothing else could be kept. */
  BuildHistoryRecord failed(BuildException failure) {
    return started.toBuilder()
        .setCompletedAt(Times.timestamp(clock.instant()))
        .setError(status(failure).toBuilder().clearDetails())
        .build();
  }

  /** The client alone sees its URLs as it wrote them. */
  private static Status status(BuildException failure) {
    Status status = GrpcErrors.toProto(failure);
    return status.toBuilder().setMessage(Redaction.forOperators(status.getMessage())).build();
  }

  private static Descriptor descriptor(dev.kiln.model.Descriptor from) {
    return Descriptor.newBuilder()
        .setMediaType(from.mediaType())
        .setDigest(from.digest().value())
        .setSize(from.sizeBytes())
        .putAllAnnotations(from.annotations())
        .build();
  }
}
