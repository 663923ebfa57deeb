package dev.kiln.control.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.grpc.Times;
import dev.kiln.grpc.control.BuildHistoryEvent;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.BuildHistoryRequest;
import dev.kiln.grpc.control.BuildResultInfo;
import dev.kiln.grpc.control.Descriptor;
import dev.kiln.grpc.control.UpdateBuildHistoryRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.store.Lease;
import dev.kiln.store.Leases;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildHistoryTest {
  private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final Digest LOG = Digest.of("log");

  @TempDir Path dir;
  private final PinnedBlobs pinned = new PinnedBlobs();
  private final Map<Digest, byte[]> content = new HashMap<>();

  private BuildHistory open(Optional<Duration> age, Optional<Integer> entries) {
    return BuildHistory.open(
        dir.resolve("history.db"),
        pinned,
        digest -> Optional.ofNullable(content.get(digest)),
        new BuildHistory.Limits(age, entries),
        CLOCK);
  }

  private BuildHistory open() {
    return open(Optional.of(Duration.ofHours(48)), Optional.of(50));
  }

  private static BuildHistoryRecord record(String ref, Duration ago) {
    return BuildHistoryRecord.newBuilder()
        .setRef(ref)
        .setCreatedAt(Times.timestamp(NOW.minus(ago)))
        .setLogs(Descriptor.newBuilder().setDigest(LOG.value()))
        .build();
  }

  private static BuildHistoryRecord ended(String ref, Duration ago) {
    return record(ref, ago).toBuilder()
        .setCompletedAt(Times.timestamp(NOW.minus(ago).plusSeconds(10)))
        .build();
  }

  private static final class Trace implements BuildHistory.TraceInProgress {
    private final CompletableFuture<Optional<Descriptor>> done = new CompletableFuture<>();

    static Trace none() {
      var trace = new Trace();
      trace.done.complete(Optional.empty());
      return trace;
    }

    @Override
    public void hurry() {
      done.complete(
          Optional.of(Descriptor.newBuilder().setDigest(Digest.of("trace").value()).build()));
    }

    @Override
    public CompletionStage<Optional<Descriptor>> done() {
      return done;
    }
  }

  private static List<String> list(BuildHistory history, BuildHistoryRequest.Builder request) {
    var seen = new ArrayList<BuildHistoryEvent>();
    assertThat(history.listen(request.setEarlyExit(true).build(), seen::add)).isEmpty();
    return seen.stream().map(e -> e.getType() + " " + e.getRecord().getRef()).toList();
  }

  @Test
  void aCloseKeepsTheTracesThatAreStillAwaited() {
    try (var history = open()) {
      history.completed(ended("last", Duration.ZERO), new Trace());
    }
    try (var history = open()) {
      assertThat(history.find("last"))
          .hasValueSatisfying(record ->
              assertThat(record.getTrace().getDigest()).isEqualTo(Digest.of("trace").value()));
    }
  }

  @Test
  void activeBuildsComeFirstThenEndedOnesThenWhatHappens() {
    try (var history = open()) {
      history.completed(ended("old", Duration.ofHours(2)), Trace.none());
      history.started(record("new", Duration.ofMinutes(1)));
      var seen = new ArrayList<String>();
      var subscription =
          history.listen(
              BuildHistoryRequest.getDefaultInstance(),
              e -> seen.add(e.getType() + " " + e.getRecord().getRef()));
      history.completed(ended("new", Duration.ofMinutes(1)), Trace.none());
      history.update(UpdateBuildHistoryRequest.newBuilder().setRef("old").setDelete(true).build());
      assertThat(pinned.byName).containsOnlyKeys("history/new");
      subscription.orElseThrow().close();
      history.started(record("later", Duration.ZERO));
      assertThat(seen)
          .containsExactly("STARTED new", "COMPLETE old", "COMPLETE new", "DELETED old");
    }
  }

  @Test
  void recordsSurviveARestartAndActiveOnesDoNot() {
    try (var history = open()) {
      history.completed(ended("done", Duration.ofHours(1)), Trace.none());
      history.started(record("killed", Duration.ZERO));
    }
    try (var history = open()) {
      assertThat(list(history, BuildHistoryRequest.newBuilder())).containsExactly("COMPLETE done");
      assertThat(pinned.byName).containsOnlyKeys("history/done");
    }
  }

  @Test
  void aRecordThatCannotBeWrittenIsThereUntilTheDaemonEnds() throws Exception {
    try (var history = open();
        var other = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("history.db"));
        var statement = other.createStatement()) {
      statement.execute("DROP TABLE builds");
      history.started(record("new", Duration.ofMinutes(1)));
      history.completed(ended("new", Duration.ofMinutes(1)), Trace.none());
      assertThat(list(history, BuildHistoryRequest.newBuilder())).containsExactly("COMPLETE new");
      assertThat(history.find("new")).isPresent();
    }
  }

  @Test
  void finalizeHurriesTheTraceAndRaisesTheGeneration() {
    try (var history = open()) {
      history.completed(ended("a", Duration.ofHours(1)), new Trace());
      var done =
          history.update(
              UpdateBuildHistoryRequest.newBuilder().setRef("a").setFinalize(true).build());
      assertThat(done.toCompletableFuture()).isCompleted();
      assertThat(history.find("a").orElseThrow().getTrace().getDigest())
          .isEqualTo(Digest.of("trace").value());
      assertThat(history.find("a").orElseThrow().getGeneration()).isEqualTo(1);
      assertThat(pinned.byName).containsEntry("history/a", List.of(LOG, Digest.of("trace")));
    }
  }

  private void run(String sql) throws SQLException {
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("history.db"));
        var statement = connection.createStatement()) {
      statement.executeUpdate(sql);
    }
  }

  @Test
  void whatCouldNotBeWrittenIsWrittenWithTheNextRecordOrByTheTimer() throws Exception {
    try (var history = open()) {
      history.completed(ended("gone", Duration.ofHours(1)), Trace.none());
      run("ALTER TABLE builds RENAME TO away"); // as good as a full disk
      history.completed(ended("a", Duration.ofHours(1)), Trace.none());
      history.completed(ended("b", Duration.ofHours(1)), Trace.none());
      history.update(UpdateBuildHistoryRequest.newBuilder().setRef("gone").setDelete(true).build());
      assertThat(list(history, BuildHistoryRequest.newBuilder()))
          .containsExactly("COMPLETE a", "COMPLETE b");
      run("ALTER TABLE away RENAME TO builds");
      history.completed(ended("c", Duration.ofHours(1)), Trace.none());
      assertThat(written()).containsExactly("a", "b", "c");
      run("ALTER TABLE builds RENAME TO away");
      history.completed(ended("d", Duration.ofHours(1)), Trace.none());
      run("ALTER TABLE away RENAME TO builds");
      history.collect();
      assertThat(written()).containsExactly("a", "b", "c", "d");
    }
  }

  private List<String> written() throws SQLException {
    var refs = new ArrayList<String>();
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("history.db"));
        var statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT ref FROM builds ORDER BY ref")) {
      while (rows.next()) {
        refs.add(rows.getString(1));
      }
    }
    return refs;
  }

  @Test
  void onlyUnpinnedRecordsBeyondBothBoundsGo() {
    try (var history = open(Optional.of(Duration.ofHours(5)), Optional.of(1))) {
      history.completed(ended("new", Duration.ofHours(1)), Trace.none());
      history.completed(ended("second", Duration.ofHours(2)), Trace.none());
      history.completed(ended("old", Duration.ofHours(9)), Trace.none());
      history.completed(ended("pinned", Duration.ofHours(10)), Trace.none());
      history.update(
          UpdateBuildHistoryRequest.newBuilder().setRef("pinned").setPinned(true).build());
      history.collect();
      assertThat(list(history, BuildHistoryRequest.newBuilder()))
          .containsExactly("COMPLETE new", "COMPLETE pinned", "COMPLETE second");
    }
  }

  @Test
  void filtersAreAlternativesOfConjunctions() {
    try (var history = open()) {
      history.completed(
          ended("git", Duration.ofHours(3)).toBuilder()
              .putFrontendAttrs("vcs:source", "https://host/r.git")
              .build(),
          Trace.none());
      history.completed(
          ended("bad", Duration.ofHours(1)).toBuilder()
              .setError(dev.kiln.grpc.rpc.Status.newBuilder().setMessage("boom"))
              .build(),
          Trace.none());
      history.started(record("run", Duration.ofMinutes(1)));
      assertThat(
              list(
                  history,
                  BuildHistoryRequest.newBuilder()
                      .addFilter("status==error")
                      .addFilter("status==running")))
          .containsExactly("STARTED run", "COMPLETE bad");
      assertThat(
              list(
                  history,
                  BuildHistoryRequest.newBuilder()
                      .addFilter("status==completed,repository==\"https://host/r.git\"")))
          .containsExactly("COMPLETE git");
      assertThat(list(history, BuildHistoryRequest.newBuilder().addFilter("startedAt>2h")))
          .containsExactly("STARTED run", "COMPLETE bad");
      assertThat(list(history, BuildHistoryRequest.newBuilder().addFilter("duration>=10s")))
          .containsExactly("COMPLETE bad", "COMPLETE git");
      assertThat(list(history, BuildHistoryRequest.newBuilder().setLimit(1)))
          .containsExactly("STARTED run");
      assertThatThrownBy(
              () -> list(history, BuildHistoryRequest.newBuilder().addFilter("startedAt>soon")))
          .isInstanceOf(BuildException.class)
          .hasMessageContaining("soon");
      assertThatThrownBy(() -> list(history, BuildHistoryRequest.newBuilder().setLimit(-1)))
          .hasMessageContaining("invalid limit -1");
    }
  }

  @Test
  void aRepositoryIsFoundByItsUrlAlthoughRecordsMaskUsers() {
    try (var history = open()) {
      for (String written : List.of("ssh://git@host/r", "ssh://xxxxx@host/r")) {
        history.completed(
            ended("masked", Duration.ofHours(4)).toBuilder()
                .putFrontendAttrs("context", written + "#main")
                .build(),
            Trace.none());
        var filter = BuildHistoryRequest.newBuilder().addFilter("repository==\"ssh://git@host/r\"");
        assertThat(list(history, filter)).containsExactly("COMPLETE masked");
      }
    }
  }

  @Test
  void aDeletedRecordStaysWhileSomebodyListensToIt() {
    try (var history = open()) {
      history.completed(ended("a", Duration.ofHours(1)), Trace.none());
      var all = new ArrayList<String>();
      history.listen(
          BuildHistoryRequest.getDefaultInstance(),
          e -> all.add(e.getType() + " " + e.getRecord().getRef()));
      var request = BuildHistoryRequest.newBuilder().setRef("a");
      var first = history.listen(request.build(), _ -> {}).orElseThrow();
      var second = history.listen(request.build(), _ -> {}).orElseThrow();
      history.update(UpdateBuildHistoryRequest.newBuilder().setRef("a").setDelete(true).build());
      first.close();
      first.close();
      assertThat(pinned.byName).containsKey("history/a");
      assertThat(history.find("a")).isPresent();
      assertThat(list(history, BuildHistoryRequest.newBuilder())).isEmpty();
      assertThatThrownBy(() -> list(history, request))
          .hasMessage("ref a is deleted: file does not exist");
      second.close();
      assertThat(pinned.byName).isEmpty();
      assertThat(history.find("a")).isEmpty();
      assertThat(all).containsExactly("COMPLETE a", "DELETED a");
    }
  }

  private static Descriptor wire(String mediaType, Digest digest) {
    return Descriptor.newBuilder().setMediaType(mediaType).setDigest(digest.value()).build();
  }

  private Digest kept(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    content.put(Digest.of(bytes), bytes);
    return Digest.of(bytes);
  }

  private static String part(String mediaType, Digest digest) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":1}".formatted(mediaType, digest);
  }

  private Digest manifest(Digest config, String layerType, Digest layer) {
    return kept(
        "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s]}"
            .formatted(
                MediaTypes.OCI_MANIFEST,
                part(MediaTypes.OCI_CONFIG, config),
                part(layerType, layer)));
  }

  @Test
  void aRecordKeepsWhatItsResultsConsistOfButLayers() {
    Digest config = Digest.of("config");
    Digest statement = Digest.of("statement");
    Digest image = manifest(config, MediaTypes.OCI_LAYER_GZIP, Digest.of("layer"));
    Digest attestation = manifest(config, MediaTypes.IN_TOTO, statement);
    Digest gone = Digest.of("gone");
    Digest index =
        kept(
            "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s,%s,%s]}"
                .formatted(
                    MediaTypes.OCI_INDEX,
                    part(MediaTypes.OCI_MANIFEST, image),
                    part(MediaTypes.OCI_MANIFEST, attestation),
                    part(MediaTypes.OCI_MANIFEST, gone)));
    try (var history = open()) {
      history.completed(
          ended("a", Duration.ofHours(1)).toBuilder()
              .setResult(
                  BuildResultInfo.newBuilder().putResults(0, wire(MediaTypes.OCI_INDEX, index)))
              .build(),
          Trace.none());
      assertThat(pinned.byName.get("history/a"))
          .containsExactlyInAnyOrder(LOG, index, image, attestation, gone, config, statement);
    }
  }

  @Test
  void anUnreadableFileIsSetAside() throws Exception {
    Files.writeString(
        dir.resolve("history.db"), "this is no database, whatever its name says".repeat(100));
    try (var history = open()) {
      history.completed(ended("a", Duration.ofHours(1)), Trace.none());
      assertThat(history.find("a")).isPresent();
    }
    assertThat(dir.resolve("history.db.bak")).exists();
  }

  @Test
  void aDamagedRowCostsItselfAlone() throws Exception {
    try (var history = open()) {
      history.completed(ended("a", Duration.ofHours(1)), Trace.none());
      history.completed(ended("b", Duration.ofHours(1)), Trace.none());
      history.completed(ended("c", Duration.ofHours(1)), Trace.none());
    }
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("history.db"));
        var statement = connection.createStatement()) {
      statement.executeUpdate("UPDATE builds SET record = x'ffff' WHERE ref = 'b'");
      statement.executeUpdate(
          "UPDATE builds SET record = (SELECT record FROM builds WHERE ref = 'a') WHERE ref = 'c'");
    }
    try (var history = open()) {
      assertThat(history.find("a")).isPresent();
      assertThat(history.find("b")).isEmpty();
      assertThat(history.find("c")).as("another build's record").isEmpty();
      history.completed(ended("b", Duration.ofHours(1)), Trace.none());
    }
    try (var history = open()) {
      assertThat(history.find("b")).isPresent();
    }
  }

  @Test
  void aListenerThatFailsIsNotTheBuildsFailure() {
    try (var history = open()) {
      var _ =
          history.listen(
              BuildHistoryRequest.getDefaultInstance(),
              event -> {
                throw new IllegalStateException("gone");
              });
      history.started(record("a", Duration.ofHours(1)));
      history.completed(ended("a", Duration.ofHours(1)), Trace.none());
      assertThat(history.find("a")).isPresent();
    }
  }

  /** Knows what history pins. */
  private static final class PinnedBlobs implements Leases {
    private final Map<String, List<Digest>> byName = new HashMap<>();

    @Override
    public Lease open(String name) {
      throw new AssertionError("history pins, it opens no lease");
    }

    @Override
    public List<String> openNames() {
      return List.of();
    }

    @Override
    public void pin(String name, Collection<Digest> blobs) {
      byName.put(name, List.copyOf(blobs));
    }

    @Override
    public void unpin(String name) {
      byName.remove(name);
    }
  }
}
