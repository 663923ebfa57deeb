package dev.kiln.remotecache;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client says of a cache in Azure Blob Storage (features K-48 to K-52). Immutable. Source of
 * names and defaults: BuildKit v0.22.0, {@code cache/remotecache/azblob/utils.go}.
 *
 * @param key of the account; without one, the daemon's own credentials count
 */
record AzureOptions(
    URI accountUrl,
    String accountName,
    String container,
    Optional<Key> key,
    ObjectStore.Layout layout) {

  /** An account's key; never printed. */
  record Key(String value) {
    @Override
    public String toString() {
      return "Key[***]";
    }
  }

  /**
   * @param environment of the daemon, for what the client leaves out
   * @throws BuildException {@code INVALID} naming what is missing
   */
  static AzureOptions of(Map<String, String> attrs, Map<String, String> environment) {
    String url = given("account_url", "ACCOUNT_URL", attrs, environment, "");
    if (url.isEmpty()) {
      throw new BuildException(
          Kind.INVALID,
          "either ${BUILDKIT_AZURE_STORAGE_ACCOUNT_URL} or account_url attribute is required for"
              + " azblob cache");
    }
    URI address = ServiceAddress.of("azure storage account url provided is not a valid url", url);
    String name =
        given(
            "account_name", "ACCOUNT_NAME", attrs, environment, address.getHost().split("\\.")[0]);
    if (name.isEmpty()) {
      throw new BuildException(
          Kind.INVALID,
          "unable to retrieve account name from account url or"
              + " ${BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME} or account_name attribute for azblob"
              + " cache");
    }
    String prefix = given("prefix", "PREFIX", attrs, environment, "");
    var manifests = new ArrayList<String>();
    for (String manifest : attrs.getOrDefault("name", "buildkit").split(";")) {
      manifests.add(joined(prefix, attrs.getOrDefault("manifests_prefix", "manifests"), manifest));
    }
    String blobs = joined(prefix, attrs.getOrDefault("blobs_prefix", "blobs"));
    return new AzureOptions(
        address,
        name,
        given("container", "CONTAINER", attrs, environment, "buildkit-cache"),
        Optional.of(attrs.getOrDefault("secret_access_key", ""))
            .filter(key -> !key.isEmpty())
            .map(Key::new),
        new ObjectStore.Layout(
            blobs.isEmpty() ? "" : blobs + "/", manifests, manifests, ObjectStore.Layout.NEVER, 4));
  }

  private static String given(
      String key,
      String variable,
      Map<String, String> attrs,
      Map<String, String> environment,
      String otherwise) {
    return attrs.getOrDefault(
        key, environment.getOrDefault("BUILDKIT_AZURE_STORAGE_" + variable, otherwise));
  }

  /** A path of parts, none of them empty. */
  private static String joined(String... parts) {
    var all = new ArrayList<String>();
    for (String part : parts) {
      all.addAll(List.of(part.split("/")));
    }
    all.removeIf(String::isEmpty);
    return String.join("/", all);
  }
}
