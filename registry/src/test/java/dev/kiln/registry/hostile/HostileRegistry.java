package dev.kiln.registry.hostile;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.hostile.HostileServer.Request;
import dev.kiln.registry.hostile.HostileServer.Wire;
import java.io.IOException;
import java.util.Optional;
import java.util.Random;

/**
 * A registry with one image, {@code a/b:v1}, behind a token, which takes uploads; at one stage it
 * has a fault. Any thread; who starts it closes it.
 */
public final class HostileRegistry implements AutoCloseable {
  /** Where the fault is. */
  public enum Stage {
    TOKEN,
    TAG,
    MANIFEST,
    LAYER,
    UPLOAD_START,
    UPLOAD,
    MANIFEST_PUT
  }

  private static final String TOKEN = "{\"token\":\"good\",\"expires_in\":300}";

  private final byte[] layer = new byte[300_000];
  private final Descriptor layerBlob;
  private final byte[] manifest;
  private final Descriptor manifestBlob;
  private final Optional<Stage> stage;
  private final Fault fault;
  private final HostileServer server;

  private HostileRegistry(Optional<Stage> stage, Fault fault) throws IOException {
    new Random(3).nextBytes(layer);
    layerBlob = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(layer), layer.length);
    manifest =
        Fault.bytes(
            ("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s]}")
                .formatted(MediaTypes.OCI_MANIFEST, json(layerBlob), json(layerBlob)));
    manifestBlob = new Descriptor(MediaTypes.OCI_MANIFEST, Digest.of(manifest), manifest.length);
    this.stage = stage;
    this.fault = fault;
    this.server = HostileServer.start(this::answer);
  }

  private static String json(Descriptor d) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}"
        .formatted(d.mediaType(), d.digest(), d.sizeBytes());
  }

  public static HostileRegistry start(Stage stage, Fault fault) throws IOException {
    return new HostileRegistry(Optional.of(stage), fault);
  }

  /** One that is as it should be. */
  public static HostileRegistry harmless() throws IOException {
    return new HostileRegistry(Optional.empty(), Fault.SILENCE);
  }

  public HostileServer server() {
    return server;
  }

  public String host() {
    return server.host();
  }

  public Descriptor layer() {
    return layerBlob;
  }

  public byte[] layerBytes() {
    return layer.clone();
  }

  public Descriptor manifest() {
    return manifestBlob;
  }

  public byte[] manifestBytes() {
    return manifest.clone();
  }

  private void answer(Request request, Wire wire) throws IOException, InterruptedException {
    String path = request.path();
    if (path.equals("/fine-token")) {
      wire.whole(200, Fault.bytes(TOKEN));
    } else if (path.equals("/token")) {
      content(Stage.TOKEN, request, wire, Fault.bytes(TOKEN), "application/json");
    } else if (request.authorization().isEmpty()) {
      wire.whole(
          401,
          Fault.bytes("{}"),
          "WWW-Authenticate: Bearer realm=\"http://" + host() + "/token\",service=\"s\"");
    } else if (request.method().equals("PUT") || request.method().equals("POST")) {
      push(request, wire);
    } else if (path.endsWith("/manifests/v1")) {
      content(Stage.TAG, request, wire, manifest, MediaTypes.OCI_MANIFEST);
    } else if (path.endsWith("/manifests/" + manifestBlob.digest())) {
      content(Stage.MANIFEST, request, wire, manifest, MediaTypes.OCI_MANIFEST);
    } else if (path.endsWith("/blobs/" + layerBlob.digest()) && path.contains("/a/b/")) {
      content(Stage.LAYER, request, wire, layer, "application/octet-stream");
    } else {
      wire.whole(404, Fault.bytes("{}"));
    }
  }

  private void push(Request request, Wire wire) throws IOException, InterruptedException {
    boolean start = request.method().equals("POST");
    Stage at =
        request.path().contains("/manifests/")
            ? Stage.MANIFEST_PUT
            : start ? Stage.UPLOAD_START : Stage.UPLOAD;
    if (stage.filter(at::equals).isPresent()) {
      fault.answer(request, wire, new byte[10], "application/json");
    } else if (start) {
      wire.whole(202, new byte[0], "Location: /v2/a/new/blobs/uploads/1");
    } else {
      wire.whole(201, new byte[0]);
    }
  }

  private void content(Stage at, Request request, Wire wire, byte[] right, String type)
      throws IOException, InterruptedException {
    if (stage.filter(at::equals).isPresent()) {
      fault.answer(request, wire, right, type);
    } else if (request.method().equals("HEAD")) {
      wire.head(200, "Content-Type: " + type, "Content-Length: " + right.length);
    } else {
      wire.whole(200, right, "Content-Type: " + type);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
