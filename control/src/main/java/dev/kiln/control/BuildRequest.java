package dev.kiln.control;

import dev.kiln.dockerfile.text.CsvLine;
import dev.kiln.grpc.control.CacheOptionsEntry;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.grpc.sourcepolicy.Rule;
import dev.kiln.llb.CacheImport;
import dev.kiln.llb.DeviceRights;
import dev.kiln.llb.Entitlements;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A Solve request, checked and with its legacy fields folded in (features SR-01 to SR-20).
 * Immutable.
 *
 * @param definition with {@code frontend} empty: what to build; absent where a frontend says it
 * @param internal leaves no record
 */
record BuildRequest(
    String ref,
    String sessionId,
    Optional<Definition> definition,
    String frontend,
    Map<String, String> frontendAttrs,
    Map<String, Definition> frontendInputs,
    List<Export> exports,
    List<CacheImport> cacheExports,
    List<CacheImport> cacheImports,
    Entitlements entitlements,
    List<Policy> policies,
    boolean sessionExporters,
    boolean internal) {

  private static final String DEVICE = "device";

  /** An exporter that the client asks for. */
  record Export(String type, Map<String, String> attrs) {}

  /**
   * @param allowed entitlements that the daemon may grant
   * @param devices of the machine
   * @throws BuildException why the request cannot be built
   */
  static BuildRequest of(SolveRequest from, List<String> allowed, DeviceRights.Registry devices) {
    boolean defines = from.hasDefinition() && from.getDefinition().getDefCount() > 0;
    if (defines && !from.getFrontend().isEmpty()) {
      throw new BuildException(
          Kind.INVALID, "cannot solve with both Definition and Frontend specified");
    }
    return new BuildRequest(
        from.getRef(),
        from.getSession(),
        from.hasDefinition() ? Optional.of(from.getDefinition()) : Optional.empty(),
        from.getFrontend(),
        new TreeMap<>(from.getFrontendAttrsMap()),
        from.getFrontendInputsMap(),
        exports(from),
        cacheExports(from),
        cacheImports(from),
        granted(from, allowed, devices),
        policies(from),
        from.getEnableSessionExporter(),
        from.getInternal());
  }

  /** Whether the frontend runs in the client, which then asks for solves and returns the result. */
  boolean clientFrontend() {
    return definition.isEmpty() && frontend.isEmpty();
  }

  private static List<Export> exports(SolveRequest from) {
    var all = new ArrayList<Export>();
    from.getExportersList()
        .forEach(e -> all.add(new Export(e.getType(), new TreeMap<>(e.getAttrsMap()))));
    if (all.isEmpty() && !from.getExporterDeprecated().isEmpty()) {
      all.add(
          new Export(
              from.getExporterDeprecated(), new TreeMap<>(from.getExporterAttrsDeprecatedMap())));
    }
    Optional.ofNullable(from.getFrontendAttrsMap().get("build-arg:SOURCE_DATE_EPOCH"))
        .filter(epoch -> !epoch.isEmpty())
        .ifPresent(
            epoch -> all.forEach(export -> export.attrs().putIfAbsent("source-date-epoch", epoch)));
    return List.copyOf(all);
  }

  private static List<CacheImport> cacheExports(SolveRequest from) {
    var all = new ArrayList<CacheImport>();
    from.getCache()
        .getExportsList()
        .forEach(e -> all.add(new CacheImport(e.getType(), e.getAttrsMap())));
    if (!from.getCache().getExportRefDeprecated().isEmpty()) {
      var attrs = new TreeMap<>(from.getCache().getExportAttrsDeprecatedMap());
      attrs.put("ref", from.getCache().getExportRefDeprecated());
      all.add(new CacheImport("registry", attrs));
    }
    var seen = new HashSet<List<Object>>();
    var twice = new LinkedHashSet<String>();
    for (CacheImport export : all) {
      boolean registry = export.type().equals("registry");
      if (!seen.add(
          List.of(
              export.type(), registry ? export.attrs().getOrDefault("ref", "") : export.attrs()))) {
        twice.add(export.type());
      }
    }
    if (!twice.isEmpty()) {
      throw new BuildException(
          Kind.INVALID, "duplicate cache exports [" + String.join(" ", twice) + "]");
    }
    return List.copyOf(all);
  }

  private static List<CacheImport> cacheImports(SolveRequest from) {
    var all = new ArrayList<CacheImport>();
    for (CacheOptionsEntry entry : from.getCache().getImportsList()) {
      all.add(new CacheImport(entry.getType(), entry.getAttrsMap()));
    }
    from.getCache()
        .getImportRefsDeprecatedList()
        .forEach(ref -> all.add(new CacheImport("registry", Map.of("ref", ref))));
    return List.copyOf(all);
  }

  private static Entitlements granted(
      SolveRequest from, List<String> allowed, DeviceRights.Registry devices) {
    Set<String> asked = new HashSet<>();
    boolean allDevices = false;
    var granted = new ArrayList<String>();
    var aliases = new TreeMap<String, String>();
    for (String entitlement : from.getEntitlementsList()) {
      boolean device = entitlement.equals(DEVICE) || entitlement.startsWith(DEVICE + "=");
      String name = device ? DEVICE : entitlement;
      if (!List.of("network.host", "security.insecure", DEVICE).contains(name)) {
        throw new BuildException(Kind.INVALID, "unknown entitlement " + entitlement);
      }
      if (!allowed.contains(name)) {
        throw new BuildException(
            Kind.DENIED,
            "granting entitlement "
                + name
                + " is not allowed by build daemon configuration: start it with --allow-insecure-entitlement "
                + name);
      }
      asked.add(name);
      if (entitlement.length() > DEVICE.length() + 1 && device) {
        device(entitlement.substring(DEVICE.length() + 1), granted, aliases);
      } else {
        allDevices |= device;
      }
    }
    return new Entitlements(
        asked.contains("network.host"),
        asked.contains("security.insecure"),
        new DeviceRights(devices, allDevices, granted, aliases));
  }

  /** {@code NAME[,alias=ALIAS]}: the device may be used, or may be used by that other name. */
  private static void device(String text, List<String> granted, Map<String, String> aliases) {
    List<String> fields = CsvLine.fields(text);
    String alias = "";
    for (String field : fields.subList(1, fields.size())) {
      int equals = field.indexOf('=');
      if (equals < 0) {
        throw new BuildException(Kind.INVALID, "invalid device config \"" + field + "\"");
      }
      if (!field.substring(0, equals).equals("alias")) {
        throw new BuildException(
            Kind.INVALID, "unknown device config key \"" + field.substring(0, equals) + "\"");
      }
      alias = field.substring(equals + 1);
    }
    if (alias.isEmpty()) {
      granted.add(fields.getFirst());
    } else {
      aliases.put(alias, fields.getFirst());
    }
  }

  private static List<Policy> policies(SolveRequest from) {
    if (!from.hasSourcePolicy()) {
      return List.of();
    }
    for (Rule rule : from.getSourcePolicy().getRulesList()) {
      if (!rule.hasSelector()) {
        throw new BuildException(Kind.INVALID, "invalid nil selector in policy");
      }
    }
    return List.of(from.getSourcePolicy());
  }
}
