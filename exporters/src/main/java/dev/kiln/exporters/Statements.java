package dev.kiln.exporters;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.exporters.ExportSource.Statement;
import dev.kiln.model.Attestation;
import dev.kiln.model.Attestation.AttestationKind;
import dev.kiln.model.Attestation.Subject;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Makes in-toto statements out of a result's attestations. Any thread; blocks on the disk. Source
 * of the rules: BuildKit v0.22 {@code exporter/attestation}.
 */
public final class Statements {
  private static final String TYPE = "https://in-toto.io/Statement/v0.1";
  private static final String PROVENANCE = "https://slsa.dev/provenance/";
  private static final String SPDX = "https://spdx.dev/Document";
  private static final String INLINE_ONLY = "inline-only";
  private static final String SBOM_CORE = "sbom-core";

  /** Of one statement's file, and of all in a bundle: they are held in memory. */
  private static final int MAX_BYTES = 64 << 20;

  private Statements() {}

  /** What a statement is about. */
  public record Named(String name, Digest digest) {}

  /**
   * One finished statement.
   *
   * @param path where the frontend had it; its last name is that of a file export
   */
  public record Made(String predicateType, String path, GoJson json) {}

  /** Adds to the core SBOM what only an exporter knows. */
  @FunctionalInterface
  public interface Supplement {
    Supplement NONE = spdx -> spdx;

    byte[] to(byte[] spdx) throws IOException, InterruptedException;
  }

  /** Those that other than image-like exporters take too. */
  public static List<Statement> forFiles(List<Statement> all) {
    return all.stream().filter(s -> !isInlineOnly(s)).toList();
  }

  private static boolean isInlineOnly(Statement s) {
    byte[] flag = s.attestation().metadata().get(INLINE_ONLY);
    return flag != null && new String(flag, StandardCharsets.UTF_8).equals("true");
  }

  /**
   * The statements, bundles taken apart, the core SBOM first.
   *
   * @param subjects what a statement is about that names nothing else
   */
  public static List<Made> make(
      Refs refs,
      List<Statement> all,
      List<Named> subjects,
      Supplement supplement,
      StepProgress progress)
      throws IOException, InterruptedException {
    var single = new ArrayList<Statement>();
    for (Statement s : all) {
      check(s);
      if (s.attestation().kind() == AttestationKind.BUNDLE) {
        single.addAll(unbundle(refs, s, progress));
      } else {
        if (s.attestation().predicateType().startsWith(PROVENANCE)
            && s.attestation().content().length == 0) {
          throw new BuildException(Kind.UNKNOWN, "frontend may not set provenance attestations");
        }
        single.add(s);
      }
    }
    var ordered = new ArrayList<Statement>(single.stream().filter(Statements::isCore).toList());
    single.stream().filter(s -> !isCore(s)).forEach(ordered::add);
    var made = new ArrayList<Made>();
    for (Statement s : ordered) {
      check(s);
      byte[] given = content(refs, s, progress);
      byte[] content = isSpdx(s) && isCore(s) ? supplement.to(given) : given;
      made.add(
          new Made(
              s.attestation().predicateType(),
              s.attestation().path(),
              json(s.attestation(), content, subjects)));
    }
    return made;
  }

  private static void check(Statement s) {
    Attestation a = s.attestation();
    if (a.kind() != AttestationKind.BUNDLE && a.path().isEmpty()) {
      throw new BuildException(Kind.UNKNOWN, "attestation does not have set path");
    }
    if (s.in().isEmpty() && a.content().length == 0) {
      throw new BuildException(Kind.UNKNOWN, "attestation does not have available content");
    }
  }

  private static boolean isSpdx(Statement s) {
    return s.attestation().predicateType().equals(SPDX);
  }

  private static boolean isCore(Statement s) {
    byte[] name = s.attestation().metadata().get(SBOM_CORE);
    String path = s.attestation().path();
    String file = path.substring(path.lastIndexOf('/') + 1);
    int dot = file.indexOf('.');
    return name != null
        && (dot < 0 ? file : file.substring(0, dot))
            .equals(new String(name, StandardCharsets.UTF_8));
  }

  private static byte[] content(Refs refs, Statement s, StepProgress progress)
      throws IOException, InterruptedException {
    if (s.attestation().content().length > 0) {
      return s.attestation().content();
    }
    try (View view = refs.view(s.in().orElseThrow(), progress);
        Fd root = Fd.directory(view.root())) {
      return read(root, s.attestation().path(), MAX_BYTES);
    }
  }

  private static byte[] read(Fd root, String path, int limitBytes) throws IOException {
    return BuiltFiles.in(root, "the attestation's result").read(path, limitBytes);
  }

  private static List<Statement> unbundle(Refs refs, Statement bundle, StepProgress progress)
      throws IOException, InterruptedException {
    Attestation a = bundle.attestation();
    if (bundle.in().isEmpty()) {
      throw new BuildException(Kind.UNKNOWN, "no ref provided for attestation bundle");
    }
    var all = new ArrayList<Statement>();
    try (View view = refs.view(bundle.in().get(), progress);
        Fd root = Fd.directory(view.root());
        Fd directory = root.openDirectoryInRoot(BytePath.of(FilePaths.clean("/" + a.path())))) {
      int left = MAX_BYTES;
      for (var entry : directory.list()) {
        byte[] bytes = read(directory, entry.name().toString(), left);
        left -= bytes.length;
        all.add(unbundled(a, entry.name().toString(), bytes));
      }
    }
    return all;
  }

  private static Statement unbundled(Attestation bundle, String file, byte[] bytes) {
    JsonNode statement;
    try {
      statement = Json.parseExactly(bytes);
    } catch (Json.Malformed e) {
      throw new BuildException(
          Kind.UNKNOWN, "cannot decode in-toto statement: " + e.getMessage(), e);
    }
    String type = statement.path("predicateType").asText("");
    if (!bundle.predicateType().isEmpty() && !bundle.predicateType().equals(type)) {
      throw new BuildException(
          Kind.UNKNOWN,
          "bundle entry "
              + type
              + " does not match required predicate type "
              + bundle.predicateType());
    }
    if (type.startsWith(PROVENANCE)) {
      throw new BuildException(Kind.UNKNOWN, "frontend may not bundle provenance attestations");
    }
    var subjects = new ArrayList<Subject>();
    for (JsonNode subject : statement.path("subject")) {
      var digests = new ArrayList<Digest>();
      String hex = subject.path("digest").path("sha256").asText("");
      if (!hex.isEmpty()) {
        digests.add(new Digest("sha256:" + hex));
      }
      subjects.add(new Subject("raw", subject.path("name").asText(""), digests));
    }
    return new Statement(
        new Attestation(
            AttestationKind.IN_TOTO,
            bundle.metadata(),
            FilePaths.clean(bundle.path() + "/" + file),
            statement.path("predicate").toString().getBytes(StandardCharsets.UTF_8),
            type,
            subjects),
        Optional.empty());
  }

  private static GoJson json(Attestation a, byte[] content, List<Named> defaults) {
    List<Subject> about =
        a.subjects().isEmpty() ? List.of(new Subject("self", "", List.of())) : a.subjects();
    var subjects = new ArrayList<String>();
    for (Subject subject : about) {
      switch (subject.kind()) {
        case "self" -> {
          for (Named named : defaults) {
            subjects.add(subject(named.name(), List.of(named.digest())));
            if (!subject.name().isEmpty()) {
              subjects.add(subject(subject.name(), List.of(named.digest())));
            }
          }
        }
        case "raw" ->
            subjects.add(
                subject(subject.name().isEmpty() ? "_" : subject.name(), subject.digests()));
        default ->
            throw new BuildException(
                Kind.UNKNOWN, "unknown attestation subject type " + subject.kind());
      }
    }
    String predicate =
        content.length == 0 ? "null" : GoJson.compact(new String(content, StandardCharsets.UTF_8));
    return GoJson.object()
        .text("_type", TYPE)
        .text("predicateType", a.predicateType())
        .raw("subject", GoJson.array(subjects))
        .raw("predicate", predicate);
  }

  private static String subject(String name, List<Digest> digests) {
    var byAlgorithm = new TreeMap<String, String>();
    digests.forEach(d -> byAlgorithm.put("sha256", d.hex()));
    return GoJson.object().text("name", name).raw("digest", GoJson.map(byAlgorithm)).toString();
  }
}
