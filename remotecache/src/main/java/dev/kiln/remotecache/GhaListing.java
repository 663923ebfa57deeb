package dev.kiln.remotecache;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * The keys of a repository's caches, as GitHub's REST API lists them. Immutable, any thread;
 * blocks. (go-actions-cache, {@code rest.go}.)
 *
 * @param api address of the REST API, with a slash at its end
 */
record GhaListing(GhaHttp http, URI api, GhaOptions options, GhaOptions.Listing listing) {
  static final URI GITHUB = URI.create("https://api.github.com/");
  private static final int PER_PAGE = 100;

  /** Those that begin so, of all branches that can be seen. */
  Set<String> keys(String prefix) throws InterruptedException {
    var all = new HashSet<String>();
    for (GhaToken.Scope branch : options.token().scopes()) {
      int total = Integer.MAX_VALUE;
      for (int page = 1; (page - 1) * PER_PAGE < total; page++) {
        JsonNode found = page(prefix, branch.name(), page);
        found.path("actions_caches").forEach(cache -> all.add(cache.path("key").asText()));
        total = found.path("total_count").asInt();
      }
    }
    return all;
  }

  private JsonNode page(String prefix, String branch, int page) throws InterruptedException {
    String query =
        "?key="
            + encoded(prefix)
            + "&page="
            + page
            + "&per_page="
            + PER_PAGE
            + "&ref="
            + encoded(branch);
    return http.send(
        api.resolve("repos/" + listing.repository() + "/actions/caches" + query),
        listing.token(),
        options.timeout(),
        () ->
            HttpRequest.newBuilder()
                .header("Accept", "application/vnd.github+json")
                .header("X-GitHub-Api-Version", "2022-11-28"));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
