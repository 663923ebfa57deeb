package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.context.BuildContexts;
import dev.kiln.dockerfile.context.FrontendOptions;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.Platform;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A Dockerfile to convert, for one platform. Immutable.
 *
 * @param source the file; its definition may be empty
 * @param target the platform that was asked for; absent for that of the daemon and the images
 * @param build the platform of the daemon
 * @param allStages convert stages that the target does not need, too: to check them
 */
public record ConvertRequest(
    SourceInfo source,
    FrontendOptions options,
    BuildContexts contexts,
    ImageResolver images,
    Optional<Platform> target,
    Platform build,
    Linter.Sink warnings,
    boolean allStages) {

  String text() {
    return source.getData().toString(StandardCharsets.UTF_8);
  }

  Platform targetOrBuild() {
    return target.orElse(build);
  }
}
