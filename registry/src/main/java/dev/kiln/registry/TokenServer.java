package dev.kiln.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
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
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LIMIT = 1 << 20;

  /** Sends to any host, not to a registry's endpoint. */
  interface Sender {
    HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException;
  }

  private final Sender sender;
  private final String userAgent;

  TokenServer(Sender sender, String userAgent) {
    this.sender = sender;
    this.userAgent = userAgent;
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
      throw new BuildException(
          Kind.DENIED,
          (anonymous ? "failed to fetch anonymous token: " : "failed to fetch oauth token: ")
              + e.getMessage(),
          e);
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
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(realm + sep + all)).header("User-Agent", userAgent);
    login.ifPresent(l -> request.header("Authorization", "Basic " + Grants.basic(l)));
    return token(sender.send(request.build()));
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

  private static Credentials.Token token(HttpResponse<InputStream> response) throws IOException {
    byte[] body;
    try (InputStream in = response.body()) {
      body = in.readNBytes(LIMIT);
    }
    HttpRequest request = response.request();
    if (response.statusCode() < 200 || response.statusCode() >= 400) {
      throw new UnexpectedStatus(
          request.method(), request.uri(), response.statusCode(), Reasons.ofBody(body));
    }
    JsonNode answer = JSON.readTree(body);
    String value = answer.path("access_token").asText(answer.path("token").asText(""));
    if (value.isEmpty()) {
      throw new BuildException(
          Kind.DENIED, "authorization server did not include a token in the response");
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
