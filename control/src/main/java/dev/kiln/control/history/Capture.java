package dev.kiln.control.history;

import dev.kiln.llb.BuildOp;
import dev.kiln.llb.DiffOp;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.Graph;
import dev.kiln.llb.MergeOp;
import dev.kiln.llb.MountOptions;
import dev.kiln.llb.SourceOp;
import dev.kiln.llb.Vertex;
import dev.kiln.model.ImageRef;
import dev.kiln.ops.Materials;
import dev.kiln.sources.Material;
import dev.kiln.tracing.Redaction;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a result was made from: everything that its graphs took from outside. Immutable; lists are
 * sorted. Source of the rules: BuildKit v0.22 {@code solver/llbsolver/provenance/capture.go}.
 *
 * @param secrets ids with whether the build would do without; likewise {@code ssh}
 * @param network whether a step may have used the network
 * @param incomplete whether something was used that is not listed
 */
public record Capture(
    List<Material.Image> images,
    List<Material.Git> git,
    List<Material.Http> http,
    List<Material.Local> locals,
    SortedMap<String, Boolean> secrets,
    SortedMap<String, Boolean> ssh,
    boolean network,
    boolean incomplete) {
  /**
   * @param graphs those that the result was made from
   * @param materials what their sources resolved to
   * @param resolved images whose configs frontends asked for
   * @param hasInputs whether a frontend was given inputs, whose sources are not known here
   */
  public static Capture of(
      Collection<Graph> graphs,
      Materials materials,
      Collection<Material.Image> resolved,
      boolean hasInputs) {
    var collector = new Collector();
    collector.incomplete = hasInputs;
    for (Graph graph : graphs) {
      for (Vertex vertex : graph.vertices().values()) {
        switch (vertex.op()) {
          case SourceOp _ -> materials.of(vertex.digest()).ifPresent(collector::add);
          case ExecOp op -> collector.add(op);
          case BuildOp _ -> collector.incomplete = true;
          case FileOp _, MergeOp _, DiffOp _ -> {}
        }
      }
    }
    resolved.forEach(collector::add);
    return collector.capture();
  }

  private static final class Collector {
    private final Map<String, Material.Image> images = new TreeMap<>();
    private final Map<String, Material.Git> git = new TreeMap<>();
    private final Map<String, Material.Http> http = new TreeMap<>();
    private final Map<String, Material.Local> locals = new TreeMap<>();
    private final SortedMap<String, Boolean> secrets = new TreeMap<>();
    private final SortedMap<String, Boolean> ssh = new TreeMap<>();
    private boolean network;
    private boolean incomplete;

    void add(Material material) {
      switch (material) {
        case Material.Image m ->
            images.putIfAbsent(
                m.ref() + " " + m.local() + " " + m.platform().map(p -> p.format()).orElse(""), m);
        case Material.Git m -> {
          String url = Redaction.of(m.url());
          git.putIfAbsent(url, new Material.Git(url, m.commit(), m.secrets(), m.ssh()));
          m.secrets().forEach(id -> optional(secrets, id, true));
          m.ssh().forEach(id -> optional(ssh, id, true));
        }
        case Material.Http m -> {
          String url = Redaction.of(m.url());
          http.putIfAbsent(url, new Material.Http(url, m.digest()));
        }
        case Material.Local m -> locals.putIfAbsent(m.name(), m);
      }
    }

    void add(ExecOp op) {
      for (ExecOp.Mount mount : op.mounts()) {
        switch (mount.options()) {
          case MountOptions.Secret s -> optional(secrets, s.id(), s.optional());
          case MountOptions.Ssh s ->
              optional(ssh, s.id().isEmpty() ? "default" : s.id(), s.optional());
          case MountOptions.Bind _, MountOptions.Cache _, MountOptions.Tmpfs _ -> {}
        }
      }
      op.secretEnv().forEach(s -> optional(secrets, s.id(), s.optional()));
      network |= op.network() != ExecOp.NetworkMode.NONE;
    }

    private static void optional(Map<String, Boolean> all, String id, boolean isOptional) {
      all.merge(id, isOptional, Boolean::logicalAnd);
    }

    /** An image known by digest alone is left out where it is known by a tag too. */
    Capture capture() {
      Set<String> tagged = new HashSet<>();
      for (Material.Image image : images.values()) {
        ImageRef ref = ImageRef.parse(image.ref());
        if (ref.digest().isEmpty()) {
          tagged.add(name(ref));
        }
      }
      var kept = new LinkedHashMap<>(images);
      kept.values()
          .removeIf(image -> {
            ImageRef ref = ImageRef.parse(image.ref());
            return ref.digest().isPresent() && tagged.contains(name(ref));
          });
      return new Capture(
          List.copyOf(kept.values()),
          List.copyOf(git.values()),
          List.copyOf(http.values()),
          List.copyOf(locals.values()),
          secrets,
          ssh,
          network,
          incomplete);
    }

    private static String name(ImageRef ref) {
      return ref.repository() + ":" + ref.tag().orElse("latest");
    }
  }
}
