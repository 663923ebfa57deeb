package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.grpc.control.CacheOptions;
import dev.kiln.grpc.control.CacheOptionsEntry;
import dev.kiln.grpc.control.SolveRequest;
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
