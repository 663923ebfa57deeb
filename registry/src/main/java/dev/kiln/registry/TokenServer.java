package dev.kiln.registry;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Fetches bearer tokens from the realm that a challenge named. Any thread. Sources: distribution's
 * token (GET) and OAuth 2 (POST) documents.
 */
final class TokenServer {
  static final String CLIENT_ID = "buildkit-client";
  private static final int LIMIT = 1 << 20;

  /** Longer tokens fit into no header that registries take. */
  private static final int LONGEST_TOKEN = 64 << 10;

  /** What a token's answer may take. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** Sends to any host, not to a registry's endpoint. */
  interface Sender {
    HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException;

    /** Whether the host is one to speak to without TLS. */
    boolean isPlain(String host);
  }

  private final Sender sender;
  private final String userAgent;
  private final Clock clock;

  TokenServer(Sender sender, String userAgent, Clock clock) {
    this.sender = sender;
    this.userAgent = userAgent;
    this.clock = clock;
  }

  /**
   * Whether a challenge's realm may be asked.
   *
   * @param registry what was asked when the challenge came
   * @param secret whether something goes there that nobody else may see
   * @throws BuildException {@code DENIED} where not
   */
  void check(Challenge challenge, URI registry, boolean secret) {
    String realm =
        challenge
            .parameter("realm")
            .orElseThrow(() -> denied("no realm specified for token auth challenge"));
    String host = Locations.authority(registry);
    try {
      URI to = Locations.checked(new URI(realm), host);
      if (to.getRawUserInfo() != null) {
        throw denied(host + " named a realm with a name and password in it");
      }
      if (secret && Locations.isDowngrade(registry, to) && !sender.isPlain(to.getAuthority())) {
        throw denied(
            host
                + " asks for credentials at "
                + Locations.shown(to)
                + ", which is not encrypted: they are not sent there unless the configuration says"
                + " registry.\""
                + to.getAuthority()
                + "\".http = true");
      }
    } catch (URISyntaxException e) {
      throw denied(
          host + " named the realm \"" + Locations.shown(realm) + "\", which is no address");
    } catch (IOException e) {
      throw denied("unusable realm: " + e.getMessage());
    }
  }

  private static BuildException denied(String message) {
    return new BuildException(Kind.DENIED, message);
  }

  /**
   * {@code token} itself.
   *
   * @throws BuildException {@code DENIED} where it cannot be sent
   */
  static Credentials.Token checked(String realm, Credentials.Token token) {
    String value = token.value();
    if (value.length() > LONGEST_TOKEN) {
      throw denied("the token of " + realm + " has " + value.length() + " characters");
    }
    if (!value.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw denied("the token of " + realm + " has characters that cannot be sent");
    }
    return token;
  }

  Credentials.Token fetch(
      String realm, String service, List<String> scopes, Optional<Credentials.Login> login)
      throws IOException, InterruptedException {
    boolean anonymous = login.isEmpty() || login.get().secret().isEmpty();
    try {
      try {
        return get(realm, service, scopes, anonymous ? Optional.empty() : login);
      } catch (UnexpectedStatus e) {
        // Some servers know only the POST form and say so in different ways.
        boolean post =
            !anonymous
                && (e.status() == 404
                    || e.status() == 401
                    || e.status() == 405 && !login.get().username().isEmpty());
        if (!post) {
          throw e;
        }
        return post(realm, service, scopes, login.get());
      }
    } catch (UnexpectedStatus e) {
      UnexpectedStatus told =
          e.wrap(anonymous ? "failed to fetch anonymous token" : "failed to fetch oauth token");
      if (Retries.mayPass(e)) {
        throw told;
      }
      throw new BuildException(Kind.DENIED, String.valueOf(told.getMessage()), e);
    }
  }

  private Credentials.Token get(
      String realm, String service, List<String> scopes, Optional<Credentials.Login> login)
      throws IOException, InterruptedException {
    var query = new ArrayList<String>();
    scopes.forEach(s -> query.add("scope=" + encode(s)));
    if (!service.isEmpty()) {
      query.add("service=" + encode(service));
    }
    String all = String.join("&", query);
    String sep = all.isEmpty() ? "" : realm.contains("?") ? "&" : "?";
    URI first = URI.create(realm + sep + all);
    URI at = first;
    for (int redirects = 0; ; redirects++) {
      HttpRequest.Builder request = HttpRequest.newBuilder(at).header("User-Agent", userAgent);
      if (Locations.authority(at).equals(Locations.authority(first))
          && !Locations.isDowngrade(first, at)) {
        login.ifPresent(l -> request.header("Authorization", "Basic " + Grants.basic(l)));
      }
      HttpResponse<InputStream> response = sender.send(request.build());
      Optional<String> next = Locations.redirect(response.statusCode(), response.headers());
      if (next.isEmpty()) {
        return token(response);
      }
      response.body().close();
      if (redirects == Locations.MAX_REDIRECTS) {
        throw new IOException(Locations.authority(first) + ": stopped after 10 redirects");
      }
      at = Locations.resolve(at, next.get());
    }
  }

  private Credentials.Token post(
      String realm, String service, List<String> scopes, Credentials.Login login)
      throws IOException, InterruptedException {
    var form = new StringBuilder("client_id=" + CLIENT_ID);
    if (login.username().isEmpty()) {
      form.append("&grant_type=refresh_token&refresh_token=").append(encode(login.secret()));
    } else {
      form.append("&grant_type=password&password=")
          .append(encode(login.secret()))
          .append("&username=")
          .append(encode(login.username()));
    }
    if (!scopes.isEmpty()) {
      form.append("&scope=").append(encode(String.join(" ", scopes)));
    }
    form.append("&service=").append(encode(service));
    return token(
        sender.send(
            HttpRequest.newBuilder(URI.create(realm))
                .header("User-Agent", userAgent)
                .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
                .POST(HttpRequest.BodyPublishers.ofString(form.toString()))
                .build()));
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private Credentials.Token token(HttpResponse<InputStream> response) throws IOException {
    String host = Locations.authority(response.request().uri());
    byte[] body;
    try (InputStream in = response.body()) {
      Body.hurry(in, PATIENCE);
      body = in.readNBytes(LIMIT + 1);
    }
    if (response.statusCode() < 200 || response.statusCode() >= 400) {
      throw UnexpectedStatus.of(response, Reasons.ofBody(body), clock);
    }
    if (body.length > LIMIT) {
      throw denied("the token server " + host + " answered with more than " + LIMIT + " bytes");
    }
    return token(body, host);
  }

  /**
   * The token in an answer.
   *
   * @throws BuildException {@code DENIED} where there is none
   */
  static Credentials.Token token(byte[] body, String host) throws IOException {
    JsonNode answer = // nothing is told of what may be a token
        Json.find(body)
            .orElseThrow(
                () -> denied("the token server " + host + " answered with what is no JSON"));
    String value = answer.path("access_token").asText(answer.path("token").asText(""));
    if (value.isEmpty()) {
      throw denied("authorization server did not include a token in the response");
    }
    return new Credentials.Token(
        value, Duration.ofSeconds(answer.path("expires_in").asLong(0)), issued(answer));
  }

  private static Optional<Instant> issued(JsonNode answer) {
    try {
      return Optional.of(Instant.parse(answer.path("issued_at").asText("")));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
