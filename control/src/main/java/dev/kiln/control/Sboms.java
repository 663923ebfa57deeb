package dev.kiln.control;

import dev.kiln.dockerfile.SbomScan;
import dev.kiln.dockerfile.context.AskedAttestations.SbomScanner;
import dev.kiln.exporters.ResultPlatforms;
import dev.kiln.exporters.ResultPlatforms.Entry;
import dev.kiln.llb.FrontendAttestation;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Lists what results are made of where the client asks for it and the frontend has not done it
 * (features A-20). Stateless. Source of the rules: BuildKit v0.22 {@code
 * solver/llbsolver/proc/sbom.go}.
 */
final class Sboms {
  private Sboms() {}

  /**
   * The result with a scan for each of its platforms, not yet run.
   *
   * @param opts the build's
   * @param client a bridge of its own: what the scanner is made of is no part of the result
   */
  static FrontendResult scanned(
      FrontendResult result, SbomScanner scanner, Map<String, String> opts, FrontendClient client)
      throws InterruptedException {
    if (hasSbom(result)) {
      return result;
    }
    List<Entry> platforms = ResultPlatforms.of(result.metadata()).entries();
    boolean ignoreCache = "".equals(opts.get("no-cache"));
    SbomScan scan =
        SbomScan.of(client, scanner, opts.getOrDefault("image-resolve-mode", "default"));
    Map<String, List<FrontendAttestation>> all = new HashMap<>(result.attestations());
    for (Entry platform : platforms) {
      Optional<FrontendRef> ref = result.of(platform.id());
      if (ref.isPresent()) {
        var more = new ArrayList<>(all.getOrDefault(platform.id(), List.of()));
        more.add(scan.scan(platform.id(), ref.get(), ignoreCache));
        all.put(platform.id(), List.copyOf(more));
      }
    }
    return new FrontendResult(result.ref(), result.refs(), result.metadata(), all);
  }

  private static boolean hasSbom(FrontendResult result) {
    return result.attestations().values().stream()
        .flatMap(List::stream)
        .anyMatch(a -> a.statement().predicateType().equals(SbomScan.PREDICATE));
  }
}
