package dev.kiln.dockerfile;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.fsutil.Stat;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Op;
import dev.kiln.llb.BuildInfo;
import dev.kiln.llb.Caps;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A daemon that builds nothing: it keeps what it was asked and answers from prepared files. */
final class FakeFrontendClient implements FrontendClient {
  final List<SolveRequest> solves = Collections.synchronizedList(new ArrayList<>());
  final List<ImageQuery> resolves = Collections.synchronizedList(new ArrayList<>());
  final List<Progress.Warning> warnings = Collections.synchronizedList(new ArrayList<>());
  private final JsonNode images;
  private final Map<String, Map<String, String>> files;

  /**
   * @param images configurations by reference
   * @param files texts by source identifier and file name
   */
  FakeFrontendClient(JsonNode images, Map<String, Map<String, String>> files) {
    this.images = images;
    this.files = files;
  }

  @Override
  public FrontendResult solve(SolveRequest request) {
    solves.add(request);
    if (!request.frontend().isEmpty()) {
      return FrontendResult.of(Optional.empty());
    }
    Definition definition = request.definition().orElseThrow();
    Map<String, String> content =
        definition.getDefCount() == 2 ? files.getOrDefault(source(definition), Map.of()) : Map.of();
    return FrontendResult.of(Optional.of(new FakeRef(content, definition)));
  }

  private static String source(Definition definition) {
    try {
      return Op.parseFrom(definition.getDef(0)).getSource().getIdentifier();
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public ImageMeta resolveImage(ImageQuery query) {
    resolves.add(query);
    JsonNode config = images.path(query.ref());
    if (config.isMissingNode()) {
      throw new BuildException(Kind.NOT_FOUND, "no image " + query.ref());
    }
    byte[] bytes = config.toString().getBytes(StandardCharsets.UTF_8);
    return new ImageMeta(query.ref(), Digest.of(bytes), bytes);
  }

  @Override
  public BuildInfo info() {
    return new BuildInfo(
        "session",
        List.of(new Platform("linux", "amd64", "")),
        Caps.LLB,
        Caps.FRONTEND,
        "buildkit",
        List.of("w"));
  }

  @Override
  public void warn(Progress.Warning warning) {
    warnings.add(warning);
  }

  @Override
  public Map<String, Definition> inputs() {
    return Map.of();
  }

  private record FakeRef(Map<String, String> files, Definition definition) implements FrontendRef {
    @Override
    public byte[] readFile(String path, long offset, long length) {
      String content = files.get(path);
      if (content == null) {
        throw new BuildException(Kind.NOT_FOUND, "open " + path + ": no such file or directory");
      }
      return content.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public List<Stat> readDir(String path, String includePattern) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Stat statFile(String path) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void evaluate() {}
  }
}
