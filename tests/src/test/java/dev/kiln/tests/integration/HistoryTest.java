package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Empty;
import dev.kiln.grpc.content.DeleteContentRequest;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.WireClient;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class HistoryTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  /** S-12. */
  @Test
  void whatARecordKeepsIsReadAndNotDeletedAsContent() throws Exception {
    Path context = Buildctl.context(dir.resolve("context"), Buildctl.BASE + "RUN echo said\n");
    try (var daemon = Distribution.start(dir)) {
      var client = Buildctl.of(daemon);
      assertThat(Distribution.await(client.build(context).start()).code()).isZero();
      Run records = client.run("debug", "histories", "--format", "{{json .}}");
      JsonNode record = new ObjectMapper().readTree(records.output()).path("record");
      String logs = record.at("/logs/digest").asText();
      assertThat(client.run("debug", "get", logs).output()).contains("RUN echo said");
      try (var wire = new WireClient(daemon)) {
        var request = DeleteContentRequest.newBuilder().setDigest(logs).build();
        assertThatThrownBy(() ->
                wire.call(
                    "containerd.services.content.v1.Content/Delete",
                    request,
                    DeleteContentRequest.getDefaultInstance(),
                    Empty.getDefaultInstance()))
            .hasMessageContaining("read-only content store");
      }
      assertThat(client.run("debug", "get", logs).code()).isZero();
    }
  }
}
