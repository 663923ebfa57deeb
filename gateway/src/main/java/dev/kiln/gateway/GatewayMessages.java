package dev.kiln.gateway;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.kiln.grpc.caps.APICap;
import dev.kiln.grpc.gateway.Attestations;
import dev.kiln.grpc.gateway.InTotoSubject;
import dev.kiln.grpc.gateway.InTotoSubjectKind;
import dev.kiln.grpc.gateway.Ref;
import dev.kiln.grpc.gateway.RefMap;
import dev.kiln.grpc.gateway.RefMapDeprecated;
import dev.kiln.grpc.gateway.Result;
import dev.kiln.grpc.gateway.WarnRequest;
import dev.kiln.grpc.pb.Range;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.FrontendAttestation;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.model.Attestation;
import dev.kiln.model.Attestation.AttestationKind;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress;
import dev.kiln.model.SourceInfo;
import dev.kiln.model.SourceRange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/** The gateway's messages from and to the values behind them. Pure. */
final class GatewayMessages {
  private static final ObjectMapper JSON = new ObjectMapper();

  private GatewayMessages() {}

  /**
   * What a frontend from before {@code Return} (cap {@code solve.inlinereturn}) makes of its last
   * solve: the result, beside values of its own as Go's JSON of bytes by name.
   */
  static FrontendResult inlineResult(FrontendResult solved, ByteString attributes) {
    SortedMap<String, byte[]> metadata;
    try {
      metadata =
          JSON.readValue(attributes.toByteArray(), new TypeReference<TreeMap<String, byte[]>>() {});
    } catch (IOException e) {
      throw new BuildException(
          Kind.INVALID, "the ExporterAttr of a final solve is not JSON of bytes by name", e);
    }
    metadata.putAll(solved.metadata());
    return new FrontendResult(solved.ref(), new TreeMap<>(), metadata, Map.of());
  }

  /**
   * @param arrayRefs the caller understands refs with definitions, not only ids
   * @param ids gives a ref its id
   */
  static Result result(
      FrontendResult result, boolean arrayRefs, Function<FrontendRef, String> ids) {
    var to = Result.newBuilder();
    result.metadata().forEach((key, value) -> to.putMetadata(key, ByteString.copyFrom(value)));
    if (!result.refs().isEmpty()) {
      if (arrayRefs) {
        var refs = RefMap.newBuilder();
        result.refs().forEach((key, ref) -> refs.putRefs(key, ref(ref, ids)));
        to.setRefs(refs);
      } else {
        var refs = RefMapDeprecated.newBuilder();
        result.refs().forEach((key, ref) -> refs.putRefs(key, ref.map(ids).orElse("")));
        to.setRefsDeprecated(refs);
      }
    } else if (arrayRefs) {
      to.setRef(ref(result.ref(), ids));
    } else {
      to.setRefDeprecated(result.ref().map(ids).orElse(""));
    }
    result
        .attestations()
        .forEach((key, all) -> {
          var list = Attestations.newBuilder();
          all.forEach(attested -> list.addAttestation(attestation(attested, ids)));
          to.putAttestations(key, list.build());
        });
    return to.build();
  }

  private static Ref ref(Optional<FrontendRef> ref, Function<FrontendRef, String> ids) {
    return ref.map(r -> Ref.newBuilder().setId(ids.apply(r)).setDef(r.definition()).build())
        .orElseGet(Ref::getDefaultInstance);
  }

  private static dev.kiln.grpc.gateway.Attestation attestation(
      FrontendAttestation attested, Function<FrontendRef, String> ids) {
    Attestation from = attested.statement();
    var to =
        dev.kiln.grpc.gateway.Attestation.newBuilder()
            .setKind(
                switch (from.kind()) {
                  case IN_TOTO -> dev.kiln.grpc.gateway.AttestationKind.InToto;
                  case BUNDLE -> dev.kiln.grpc.gateway.AttestationKind.Bundle;
                })
            .setPath(from.path())
            .setInTotoPredicateType(from.predicateType());
    from.metadata().forEach((key, value) -> to.putMetadata(key, ByteString.copyFrom(value)));
    attested.ref().ifPresent(ref -> to.setRef(ref(Optional.of(ref), ids)));
    for (Attestation.Subject subject : from.subjects()) {
      var one =
          InTotoSubject.newBuilder()
              .setKind(
                  subject.kind().equals("self") ? InTotoSubjectKind.Self : InTotoSubjectKind.Raw)
              .setName(subject.name());
      subject.digests().forEach(digest -> one.addDigest(digest.value()));
      to.addInTotoSubjects(one);
    }
    return to.build();
  }

  /**
   * @param refs finds a ref by its id; absent for the empty id
   */
  static FrontendResult result(Result from, Function<String, Optional<FrontendRef>> refs) {
    var metadata = new TreeMap<String, byte[]>();
    from.getMetadataMap().forEach((key, value) -> metadata.put(key, value.toByteArray()));
    var many = new TreeMap<String, Optional<FrontendRef>>();
    Optional<FrontendRef> one =
        switch (from.getResultCase()) {
          case REFDEPRECATED -> refs.apply(from.getRefDeprecated());
          case REF -> refs.apply(from.getRef().getId());
          case REFSDEPRECATED -> {
            from.getRefsDeprecated()
                .getRefsMap()
                .forEach((key, id) -> many.put(key, refs.apply(id)));
            yield Optional.empty();
          }
          case REFS -> {
            from.getRefs()
                .getRefsMap()
                .forEach((key, ref) -> many.put(key, refs.apply(ref.getId())));
            yield Optional.empty();
          }
          case RESULT_NOT_SET -> Optional.empty();
        };
    var attestations = new HashMap<String, List<FrontendAttestation>>();
    from.getAttestationsMap()
        .forEach((key, list) -> {
          var all = new ArrayList<FrontendAttestation>();
          list.getAttestationList().forEach(attestation -> all.add(attestation(attestation, refs)));
          attestations.put(key, List.copyOf(all));
        });
    return new FrontendResult(one, many, metadata, attestations);
  }

  private static FrontendAttestation attestation(
      dev.kiln.grpc.gateway.Attestation from, Function<String, Optional<FrontendRef>> refs) {
    var metadata = new HashMap<String, byte[]>();
    from.getMetadataMap().forEach((key, value) -> metadata.put(key, value.toByteArray()));
    var subjects = new ArrayList<Attestation.Subject>();
    for (InTotoSubject subject : from.getInTotoSubjectsList()) {
      subjects.add(
          new Attestation.Subject(
              subject.getKind() == InTotoSubjectKind.Raw ? "raw" : "self",
              subject.getName(),
              subject.getDigestList().stream().map(GatewayMessages::digest).toList()));
    }
    var kind =
        switch (from.getKind()) {
          case InToto -> AttestationKind.IN_TOTO;
          case Bundle -> AttestationKind.BUNDLE;
          case UNRECOGNIZED ->
              throw new BuildException(
                  Kind.INVALID, "unknown attestation kind " + from.getKindValue());
        };
    return new FrontendAttestation(
        new Attestation(
            kind, metadata, from.getPath(), new byte[0], from.getInTotoPredicateType(), subjects),
        from.hasRef() ? refs.apply(from.getRef().getId()) : Optional.empty());
  }

  static Digest digest(String text) {
    if (!Digest.isValid(text)) {
      throw new BuildException(Kind.INVALID, "invalid checksum digest format: '" + text + "'");
    }
    return new Digest(text);
  }

  static ExecOp.NetworkMode network(dev.kiln.grpc.pb.NetMode from) {
    return switch (from) {
      case UNSET -> ExecOp.NetworkMode.UNSET;
      case HOST -> ExecOp.NetworkMode.HOST;
      case NONE -> ExecOp.NetworkMode.NONE;
      case UNRECOGNIZED -> throw new BuildException(Kind.INVALID, "unknown network mode");
    };
  }

  static ExecOp.SecurityMode security(dev.kiln.grpc.pb.SecurityMode from) {
    return switch (from) {
      case SANDBOX -> ExecOp.SecurityMode.SANDBOX;
      case INSECURE -> ExecOp.SecurityMode.INSECURE;
      case UNRECOGNIZED -> throw new BuildException(Kind.INVALID, "unknown security mode");
    };
  }

  static Platform platform(dev.kiln.grpc.pb.Platform from) {
    return new Platform(
        from.getOS(),
        from.getArchitecture(),
        from.getVariant(),
        from.getOSVersion(),
        from.getOSFeaturesList());
  }

  static dev.kiln.grpc.pb.Platform platform(Platform from) {
    return dev.kiln.grpc.pb.Platform.newBuilder()
        .setOS(from.os())
        .setArchitecture(from.architecture())
        .setVariant(from.variant())
        .setOSVersion(from.osVersion())
        .addAllOSFeatures(from.osFeatures())
        .build();
  }

  /** All enabled, in the order of their ids. */
  static List<APICap> caps(Collection<String> ids) {
    return ids.stream()
        .sorted()
        .map(id -> APICap.newBuilder().setID(id).setEnabled(true).build())
        .toList();
  }

  static Progress.Warning warning(WarnRequest from) {
    Optional<SourceInfo> info =
        from.hasInfo()
            ? Optional.of(
                new SourceInfo(
                    from.getInfo().getFilename(),
                    from.getInfo().getData().toByteArray(),
                    from.getInfo().getDefinition().toByteArray(),
                    from.getInfo().getLanguage()))
            : Optional.empty();
    return new Progress.Warning(
        digest(from.getDigest()),
        (int) from.getLevel(),
        from.getShort().toString(StandardCharsets.UTF_8),
        from.getDetailList().stream().map(line -> line.toString(StandardCharsets.UTF_8)).toList(),
        from.getUrl(),
        info,
        from.getRangesList().stream().map(GatewayMessages::range).toList());
  }

  private static SourceRange range(Range from) {
    return new SourceRange(
        from.getStart().getLine(),
        from.getStart().getCharacter(),
        from.getEnd().getLine(),
        from.getEnd().getCharacter());
  }

  static Map<String, String> sorted(Map<String, String> from) {
    return new TreeMap<>(from);
  }
}
