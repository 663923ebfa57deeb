package dev.kiln.cli.lend;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.grpc.session.auth.CredentialsRequest;
import dev.kiln.grpc.session.auth.CredentialsResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;

/**
 * The user's registry credentials as Docker keeps them: {@code config.json} and credential helpers.
 * Stateless: the file is read at each question. Tokens are left to the daemon to fetch.
 */
final class RegistryAuth {
  private static final String HUB_HOST = "registry-1.docker.io";
  private static final String HUB_KEY = "https://index.docker.io/v1/";

  /** A helper answers with this name when the secret is an identity token. */
  private static final String TOKEN_USER = "<token>";

  ServerServiceDefinition service() {
    var credentials =
        Services.method(
            MethodDescriptor.MethodType.UNARY,
            "moby.filesync.v1.Auth",
            "Credentials",
            CredentialsRequest.getDefaultInstance(),
            CredentialsResponse.getDefaultInstance());
    return ServerServiceDefinition.builder("moby.filesync.v1.Auth")
        .addMethod(credentials, Services.unary(request -> credentials(request.getHost())))
        .build();
  }

  private static CredentialsResponse credentials(String host)
      throws IOException, InterruptedException {
    String key = host.equals(HUB_HOST) ? HUB_KEY : host;
    Path file = configDirectory().resolve("config.json");
    if (!Files.exists(file)) {
      return CredentialsResponse.getDefaultInstance();
    }
    JsonNode config = read(file);
    String helper = config.path("credHelpers").path(key).asText("");
    if (helper.isEmpty()) {
      helper = config.path("credsStore").asText("");
    }
    if (!helper.isEmpty()) {
      Optional<CredentialsResponse> answer = ask(helper, key);
      if (answer.isPresent()) {
        return answer.get();
      }
    }
    return inFile(config.path("auths").path(key));
  }

  private static JsonNode read(Path file) {
    try {
      return Json.parseFirst(Files.readAllBytes(file));
    } catch (Json.Malformed e) {
      // its text may hold credentials: only the place is told
      throw new BuildException(Kind.INVALID, file + " is not JSON, line " + e.line());
    } catch (IOException e) {
      throw Services.failed("the credentials in " + file, e);
    }
  }

  private static Path configDirectory() {
    String set = System.getenv("DOCKER_CONFIG");
    return set == null || set.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".docker")
        : Path.of(set);
  }

  private static CredentialsResponse inFile(JsonNode entry) {
    String token = entry.path("identitytoken").asText("");
    if (!token.isEmpty()) {
      return CredentialsResponse.newBuilder().setSecret(token).build();
    }
    String auth = entry.path("auth").asText("");
    if (auth.isEmpty()) {
      return CredentialsResponse.getDefaultInstance();
    }
    String pair;
    try {
      pair = new String(Base64.getDecoder().decode(auth), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new BuildException(Kind.INVALID, "Docker's config.json holds a broken auth entry");
    }
    int colon = pair.indexOf(':');
    return colon < 0
        ? CredentialsResponse.getDefaultInstance()
        : CredentialsResponse.newBuilder()
            .setUsername(pair.substring(0, colon))
            .setSecret(pair.substring(colon + 1))
            .build();
  }

  private static Optional<CredentialsResponse> ask(String helper, String key)
      throws IOException, InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder("docker-credential-" + helper, "get")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      throw Services.failed("the credential helper of Docker's config.json", e);
    }
    try (var in = process.outputWriter(StandardCharsets.UTF_8)) {
      in.write(key);
    } catch (IOException e) {
      // it did not want to know
    }
    byte[] answer = process.getInputStream().readAllBytes();
    if (process.waitFor() != 0) {
      return Optional.empty(); // it knows nothing of this registry
    }
    JsonNode said;
    try {
      said = Json.parseFirst(answer);
    } catch (Json.Malformed e) {
      // its text may hold credentials
      throw new BuildException(
          Kind.INVALID, "docker-credential-" + helper + " answered with no JSON");
    }
    String user = said.path("Username").asText("");
    return Optional.of(
        CredentialsResponse.newBuilder()
            .setUsername(user.equals(TOKEN_USER) ? "" : user)
            .setSecret(said.path("Secret").asText(""))
            .build());
  }
}
