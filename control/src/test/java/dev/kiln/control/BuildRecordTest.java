package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.llb.DeviceRights;
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
  void whatCannotBeReadIsNotKept() {
    assertThat(kept("[{\"Attrs\":{\"token\":\"SECRET\"")).containsEntry("cache-imports", "");
  }
}
