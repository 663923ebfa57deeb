package dev.kiln.llb;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The capabilities that this daemon advertises, by the ids of BuildKit v0.22.0 ({@code
 * frontend/gateway/pb/caps.go}, {@code solver/pb/caps.go}); a definition that needs another one is
 * refused. {@code soruce.http.uidgid} is spelt so on the wire.
 */
public final class Caps {
  /** What a frontend may call on the gateway; sorted. */
  public static final SortedSet<String> FRONTEND =
      sorted(
          List.of(
              "solve.base",
              "solve.inlinereturn",
              "resolveimage",
              "resolveimage.resolvemode",
              "readfile",
              "return",
              "returnmap",
              "readdir",
              "statfile",
              "importcaches",
              "proto.refarray",
              "reference.output",
              "frontend.inputs",
              "gateway.solve.metadata",
              "gateway.exec",
              "gateway.exec.extrahosts",
              "gateway.exec.secretenv",
              "gateway.exec.signals",
              "frontend.caps",
              "gateway.solve.evaluate",
              "gateway.evaluate",
              "gateway.warnings",
              "reference.attestations",
              "source.metaresolver"));

  private static final List<String> SOURCES =
      List.of(
          "source.image",
          "source.image.resolvemode",
          "source.image.layerlimit",
          "source.local",
          "source.local.unique",
          "source.local.sessionid",
          "source.local.includepatterns",
          "source.local.followpaths",
          "source.local.excludepatterns",
          "source.local.sharedkeyhint",
          "source.local.differ",
          "source.local.metadatatransfer",
          "source.git",
          "source.git.keepgitdir",
          "source.git.fullurl",
          "source.git.httpauth",
          "source.git.knownsshhosts",
          "source.git.mountsshsock",
          "source.git.subdir",
          "source.git.checksum",
          "source.http",
          "source.http.auth",
          "source.http.checksum",
          "source.http.perm",
          "soruce.http.uidgid",
          "source.http.header",
          "source.ocilayout",
          "source.buildop.llbfilename");
  private static final List<String> EXEC =
      List.of(
          "exec.meta.base",
          "exec.meta.cgroup.parent",
          "exec.meta.network",
          "exec.meta.proxyenv",
          "exec.meta.security",
          "exec.meta.security.devices.v1",
          "exec.meta.setsdefaultpath",
          "exec.meta.ulimit",
          "exec.meta.cdi",
          "exec.mount.bind",
          "exec.mount.bind.readwrite-nooutput",
          "exec.mount.cache",
          "exec.mount.cache.sharing",
          "exec.mount.selector",
          "exec.mount.tmpfs",
          "exec.mount.tmpfs.size",
          "exec.mount.secret",
          "exec.mount.ssh",
          "exec.mount.cache.content",
          "exec.cgroup",
          "exec.secretenv",
          "exec.validexitcode");
  private static final List<String> FILE =
      List.of(
          "file.base",
          "file.rm.wildcard",
          "file.rm.nofollowsymlink",
          "file.copy.includeexcludepatterns",
          "file.copy.alwaysreplaceexistingdestpaths",
          "file.symlink.create");
  private static final List<String> GENERAL =
      List.of(
          "constraints",
          "platform",
          "meta.ignorecache",
          "meta.description",
          "meta.exportcache",
          "mergeop",
          "diffop",
          "cache.gha",
          "cache.s3",
          "cache.azblob",
          "exporter.image.annotations",
          "exporter.image.attestations",
          "exporter.sourcedateepoch",
          "exporter.multiple",
          "exporter.session",
          "source.policy",
          "gc.freespacefilter",
          "history.filter");

  /** What a definition may need; sorted. */
  public static final SortedSet<String> LLB = sorted(SOURCES, EXEC, FILE, GENERAL);

  private Caps() {}

  /**
   * Refuses a capability that this daemon does not have.
   *
   * @throws BuildException {@code UNSUPPORTED}, naming it
   */
  public static void require(String cap) {
    if (!LLB.contains(cap)) {
      throw new BuildException(Kind.UNSUPPORTED, "unknown API capability " + cap);
    }
  }

  @SafeVarargs
  private static SortedSet<String> sorted(List<String>... lists) {
    var all = new TreeSet<String>();
    for (List<String> list : lists) {
      all.addAll(list);
    }
    return Collections.unmodifiableSortedSet(all);
  }
}
