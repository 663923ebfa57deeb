package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.Exporter;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.llb.DeviceRights;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BuildRecordTest {
  private static Map<String, String> kept(String cacheImports) {
    var request =
        SolveRequest.newBuilder()
            .setRef("ref")
            .setFrontend("dockerfile.v0")
            .putFrontendAttrs("filename", "Dockerfile")
            .putFrontendAttrs("cache-imports", cacheImports)
            .build();
    return new BuildRecord(
            BuildRequest.of(request, List.of(), DeviceRights.Registry.NONE), Clock.systemUTC())
        .started()
        .getFrontendAttrsMap();
  }

  @Test
  void secretsOfImportedCachesAreNotKept() {
    assertThat(
            kept(
                """
                [{"Type":"gha","Attrs":{"scope":"app","token":"SECRET","ghtoken":"SECRET"}},\
                {"Type":"s3","Attrs":{"bucket":"b","secret_access_key":"SECRET",\
                "session_token":"SECRET"}}]\
                """))
        .containsOnly(
            Map.entry("filename", "Dockerfile"),
            Map.entry(
                "cache-imports",
                """
                [{"Type":"gha","Attrs":{"scope":"app"}},{"Type":"s3","Attrs":{"bucket":"b"}}]\
                """));
  }

  @Test
  void credentialsOfUrlsAreNotKept() {
    String url = "https://usr:PW@host/x?sig=SIGN";
    var request =
        SolveRequest.newBuilder()
            .setRef("ref")
            .putFrontendAttrs("context", url)
            .addExporters(Exporter.newBuilder().setType("image").putAttrs("name", "usr:PW@host/x"))
            .build();
    var record =
        new BuildRecord(
            BuildRequest.of(request, List.of(), DeviceRights.Registry.NONE), Clock.systemUTC());
    BuildHistoryRecord failed = record.failed(new BuildException(Kind.NOT_FOUND, "no " + url));
    assertThat(failed.getError().getMessage()).isEqualTo("no https://xxxxx:xxxxx@host/x?sig=xxxxx");
    assertThat(failed.toString()).doesNotContain("PW", "SIGN");
  }

  @Test
  void whatCannotBeReadIsNotKept() {
    assertThat(kept("[{\"Attrs\":{\"token\":\"SECRET\"")).containsEntry("cache-imports", "");
  }
}
