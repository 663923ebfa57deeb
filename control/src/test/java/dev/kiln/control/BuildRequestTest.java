package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.control.CacheOptions;
import dev.kiln.grpc.control.CacheOptionsEntry;
import dev.kiln.grpc.control.Exporter;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.llb.CacheImport;
import dev.kiln.llb.DeviceRights;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** SR-01 to SR-20. */
class BuildRequestTest {
  private static CacheOptionsEntry cache(String type, Map<String, String> attrs) {
    return CacheOptionsEntry.newBuilder().setType(type).putAllAttrs(attrs).build();
  }

  private static BuildRequest exporting(CacheOptionsEntry... caches) {
    return request(
        SolveRequest.newBuilder()
            .setCache(CacheOptions.newBuilder().addAllExports(List.of(caches))));
  }

  private static BuildRequest request(SolveRequest.Builder request) {
    return BuildRequest.of(request.build(), List.of("network.host"), DeviceRights.Registry.NONE);
  }

  @Test
  void theSameCacheIsExportedOnce() {
    assertThatThrownBy(() ->
            exporting(
                cache("registry", Map.of("ref", "host/a:1", "mode", "max")),
                cache("registry", Map.of("ref", "host/a:1", "mode", "min"))))
        .hasMessage("duplicate cache exports [registry]");
    assertThatThrownBy(() ->
            exporting(
                cache("local", Map.of("dest", "x")),
                cache("inline", Map.of()),
                cache("local", Map.of("dest", "x")),
                cache("inline", Map.of())))
        .hasMessage("duplicate cache exports [local inline]");
  }

  @Test
  void cachesAtDifferentPlacesAreAllExported() {
    assertThat(
            exporting(
                    cache("registry", Map.of("ref", "host/a:1")),
                    cache("registry", Map.of("ref", "host/b:1")),
                    cache("local", Map.of("dest", "x")),
                    cache("local", Map.of("dest", "y")))
                .cacheExports())
        .hasSize(4);
  }

  /** SR-02. */
  @Test
  void aDefinitionAndAFrontendExcludeEachOther() {
    var both =
        SolveRequest.newBuilder()
            .setFrontend("dockerfile.v0")
            .setDefinition(Definition.newBuilder().addDef(ByteString.copyFromUtf8("op")));
    assertThatThrownBy(() -> request(both))
        .hasMessage("cannot solve with both Definition and Frontend specified");
    assertThat(request(both.clone().clearFrontend()).clientFrontend()).isFalse();
    assertThat(request(both.clone().clearDefinition()).frontend()).isEqualTo("dockerfile.v0");
    assertThat(request(SolveRequest.newBuilder()).clientFrontend()).isTrue();
  }

  /** SR-04: the one exporter of old clients counts where there are no others. */
  @Test
  void theExporterOfOldClients() {
    var old =
        SolveRequest.newBuilder()
            .setExporterDeprecated("image")
            .putExporterAttrsDeprecated("name", "a")
            .putFrontendAttrs("build-arg:SOURCE_DATE_EPOCH", "7");
    assertThat(request(old).exports())
        .singleElement()
        .satisfies(export -> {
          assertThat(export.type()).isEqualTo("image");
          assertThat(export.attrs())
              .containsExactlyInAnyOrderEntriesOf(Map.of("name", "a", "source-date-epoch", "7"));
        });
    assertThat(request(old.addExporters(Exporter.newBuilder().setType("oci"))).exports())
        .extracting(BuildRequest.Export::type)
        .containsExactly("oci");
  }

  /** SR-09, K-09: the caches of old clients come after the others. */
  @Test
  void theCachesOfOldClients() {
    var old =
        request(
            SolveRequest.newBuilder()
                .setCache(
                    CacheOptions.newBuilder()
                        .addExports(cache("inline", Map.of()))
                        .setExportRefDeprecated("host/a:1")
                        .putExportAttrsDeprecated("mode", "max")
                        .addImports(cache("local", Map.of("src", "x")))
                        .addImportRefsDeprecated("host/b:1")));
    assertThat(old.cacheExports())
        .containsExactly(
            new CacheImport("inline", Map.of()),
            new CacheImport("registry", Map.of("ref", "host/a:1", "mode", "max")));
    assertThat(old.cacheImports())
        .containsExactly(
            new CacheImport("local", Map.of("src", "x")),
            new CacheImport("registry", Map.of("ref", "host/b:1")));
  }

  @Test
  void entitlementsMustBeKnownAndAllowedByTheDaemon() {
    assertThatThrownBy(() -> request(SolveRequest.newBuilder().addEntitlements("all")))
        .hasMessage("unknown entitlement all");
    assertThatThrownBy(
            () -> request(SolveRequest.newBuilder().addEntitlements("security.insecure")))
        .hasMessageStartingWith(
            "granting entitlement security.insecure is not allowed by build daemon configuration");
    assertThat(
            request(SolveRequest.newBuilder().addEntitlements("network.host"))
                .entitlements()
                .networkHost())
        .isTrue();
  }
}
