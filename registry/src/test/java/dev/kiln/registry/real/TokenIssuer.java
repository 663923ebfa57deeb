package dev.kiln.registry.real;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Issues tokens that distribution's server takes, to the user "user" with the password "word" or
 * the refresh token "offline", and to everybody for repositories below {@code public/}, for pulls.
 * Any thread; who starts it closes it. Source: distribution's token authentication specification.
 */
public final class TokenIssuer implements AutoCloseable {
  static final String SERVICE = "test-registry";
  static final String ISSUER = "test-issuer";

  /** Registries take tokens so long after their end. */
  private static final Duration LEEWAY = Duration.ofSeconds(60);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BASIC =
      "Basic " + Base64.getEncoder().encodeToString("user:word".getBytes(StandardCharsets.UTF_8));

  private final HttpServer server;
  private final SelfSigned signer;
  private final AtomicInteger issued = new AtomicInteger();
  private volatile Optional<Duration> nextLife = Optional.empty();

  /** How tokens are named in answers to GET. */
  public volatile String field = "token";

  private TokenIssuer(HttpServer server, SelfSigned signer) {
    this.server = server;
    this.signer = signer;
  }

  /** Makes a key in {@code folder} and serves. */
  public static TokenIssuer start(Path folder) throws Exception {
    SelfSigned signer = SelfSigned.make(folder, "RSA");
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var issuer = new TokenIssuer(server, signer);
    server.createContext("/token", issuer::answer);
    server.start();
    return issuer;
  }

  public String host() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** How many tokens were issued. */
  public int issued() {
    return issued.get();
  }

  /** The registry takes the next token only so long, whatever the client is told. */
  public void shortenNext(Duration life) {
    nextLife = Optional.of(life);
  }

  /** What signs the tokens, as PEM. */
  String certificate() throws IOException {
    return "-----BEGIN CERTIFICATE-----\n" + encodedCertificate() + "\n-----END CERTIFICATE-----\n";
  }

  private String encodedCertificate() throws IOException {
    try {
      return Base64.getEncoder().encodeToString(signer.certificate().getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  private void answer(HttpExchange x) throws IOException {
    try (x) {
      Map<String, List<String>> asked = new HashMap<>();
      String form = new String(x.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      parse(String.valueOf(x.getRequestURI().getRawQuery()), asked);
      parse(form, asked);
      Optional<String> authorization =
          Optional.ofNullable(x.getRequestHeaders().getFirst("Authorization"));
      boolean shown = authorization.isPresent() || asked.containsKey("grant_type");
      boolean known =
          authorization.filter(BASIC::equals).isPresent()
              || asked.getOrDefault("refresh_token", List.of()).contains("offline")
              || asked.getOrDefault("password", List.of()).contains("word")
                  && asked.getOrDefault("username", List.of()).contains("user");
      if (shown && !known) {
        x.sendResponseHeaders(401, -1);
        return;
      }
      String name = form.isEmpty() ? field : "access_token"; // as OAuth 2 has it
      ObjectNode body = JSON.createObjectNode().put(name, token(asked, known));
      byte[] bytes = JSON.writeValueAsBytes(body.put("expires_in", 300));
      x.getResponseHeaders().add("Content-Type", "application/json");
      x.sendResponseHeaders(200, bytes.length);
      x.getResponseBody().write(bytes);
    }
  }

  private static void parse(String query, Map<String, List<String>> into) {
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      if (parts.length == 2) {
        into.computeIfAbsent(parts[0], _ -> new ArrayList<>())
            .addAll(List.of(URLDecoder.decode(parts[1], StandardCharsets.UTF_8).split(" ")));
      }
    }
  }

  private String token(Map<String, List<String>> asked, boolean known) throws IOException {
    Instant now = Instant.now();
    Instant end = nextLife.map(now.minus(LEEWAY)::plus).orElse(now.plusSeconds(300));
    nextLife = Optional.empty();
    ObjectNode claims =
        JSON.createObjectNode()
            .put("iss", ISSUER)
            .put("sub", known ? "user" : "")
            .put("aud", SERVICE)
            .put("exp", end.getEpochSecond())
            .put("nbf", now.minusSeconds(600).getEpochSecond())
            .put("iat", now.minusSeconds(600).getEpochSecond())
            .put("jti", Integer.toString(issued.incrementAndGet()));
    for (String scope : asked.getOrDefault("scope", List.of())) {
      String[] parts = scope.split(":");
      if (known || parts.length > 1 && parts[1].startsWith("public/")) {
        ObjectNode access = JSON.createObjectNode().put("type", parts[0]).put("name", parts[1]);
        for (String action : (known ? parts[2] : "pull").split(",")) {
          access.withArray("actions").add(action);
        }
        claims.withArray("access").add(access);
      }
    }
    ObjectNode header = JSON.createObjectNode().put("typ", "JWT").put("alg", "RS256");
    header.putArray("x5c").add(encodedCertificate());
    return signed(
        encode(JSON.writeValueAsBytes(header)) + "." + encode(JSON.writeValueAsBytes(claims)));
  }

  private String signed(String text) throws IOException {
    try {
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initSign(signer.key());
      signature.update(text.getBytes(StandardCharsets.US_ASCII));
      return text + "." + encode(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  private static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
