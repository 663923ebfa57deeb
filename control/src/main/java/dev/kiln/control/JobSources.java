package dev.kiln.control;

import dev.kiln.actors.Job;
import dev.kiln.gateway.SourceMetas;
import dev.kiln.gateway.SourceQuery;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.model.Platform;
import dev.kiln.sources.SourceMeta;
import dev.kiln.sources.SourcePolicy;
import dev.kiln.sources.Sources;
import java.util.List;
import java.util.Optional;

/** Asks what sources are, and shows each question as a step of the job. Any thread; blocks. */
record JobSources(Job job, Sources sources) implements SourceMetas {
  @Override
  public ImageMeta image(ImageQuery query, List<String> sessions) throws InterruptedException {
    return asked(
        query.ref(),
        query.platform(),
        query.logName(),
        "docker-image://" + query.ref(),
        progress ->
            sources.resolveImage(
                query, SourcePolicy.rewrite(query.policies()), sessions, progress));
  }

  @Override
  public SourceMeta source(SourceQuery query, List<String> sessions) throws InterruptedException {
    String identifier = query.op().identifier();
    return asked(
        identifier,
        query.platform(),
        query.logName(),
        identifier,
        progress ->
            sources.resolveMeta(
                query.op(),
                query.platform(),
                query.resolveMode(),
                SourcePolicy.rewrite(query.policies()),
                sessions,
                progress));
  }

  private <T> T asked(
      String what, Optional<Platform> platform, String logName, String shown, Job.Step<T> question)
      throws InterruptedException {
    return job.step(
        "resolve-" + what + platform.map(Platform::format).orElse(""),
        logName.isEmpty() ? "resolve image config for " + shown : logName,
        question);
  }
}
