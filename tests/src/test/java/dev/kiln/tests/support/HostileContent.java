package dev.kiln.tests.support;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.kiln.grpc.content.Info;
import dev.kiln.grpc.content.InfoRequest;
import dev.kiln.grpc.content.InfoResponse;
import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.session.Duplex;
import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** An OCI layout that a session lends, with one image: its store lies of a part of it. */
public final class HostileContent {
  private static final int LAYER_BYTES = 300_000;
  private static final int CHUNK_BYTES = 1 << 16;

  /** What the store does when it is asked for a blob. */
  public enum Lie {
    NONE,
    /** As many bytes, but others. */
    OTHER_BYTES,
    /** The right bytes, with a size that cannot be. */
    IMPOSSIBLE_SIZE,
    TOO_SHORT,
    TOO_LONG,
    WITHOUT_END,
    /** Half of it, then empty parts for ever. */
    EMPTY_PARTS,
    /** Half of it, then nothing. */
    STALLED,
    /** Half of it, then the word that the daemon has given it up. */
    GIVEN_UP
  }

  /** What the lie is about. */
  public enum Part {
    MANIFEST,
    CONFIG,
    LAYER
  }

  private final Map<String, byte[]> blobs = new HashMap<>();
  private final Lie lie;
  private final String about;
  private final Digest manifest;

  /**
   * @param seed of the layer's bytes; equal ones make equal images
   */
  public HostileContent(Lie lie, Part part, long seed) {
    this.lie = lie;
    byte[] layer = layer(seed);
    Digest ofLayer = add(layer);
    byte[] config =
        """
        {"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["%s"]}}
        """
            .formatted(ofLayer)
            .getBytes(StandardCharsets.UTF_8);
    Digest ofConfig = add(config);
    manifest =
        add(
            """
            {"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}
            """
                .formatted(
                    MediaTypes.OCI_MANIFEST,
                    json(MediaTypes.OCI_CONFIG, ofConfig, config.length),
                    json(MediaTypes.OCI_LAYER, ofLayer, layer.length))
                .getBytes(StandardCharsets.UTF_8));
    about =
        switch (part) {
          case MANIFEST -> manifest.value();
          case CONFIG -> ofConfig.value();
          case LAYER -> ofLayer.value();
        };
  }

  /** An empty archive; what follows its end is padding. */
  private static byte[] layer(long seed) {
    byte[] layer = new byte[LAYER_BYTES];
    byte[] padding = new byte[LAYER_BYTES - 1024];
    new Random(seed).nextBytes(padding);
    System.arraycopy(padding, 0, layer, 1024, padding.length);
    return layer;
  }

  private Digest add(byte[] blob) {
    Digest digest = Digest.of(blob);
    blobs.put(digest.value(), blob);
    return digest;
  }

  private static String json(String type, Digest digest, int size) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}".formatted(type, digest, size);
  }

  /** The image's name in a source op. */
  public String identifier() {
    return "oci-layout://localhost/image@" + manifest;
  }

  /** What a session lends. */
  public ServerServiceDefinition service() {
    return HostileSession.service(
        "containerd.services.content.v1.Content",
        Map.of("Info", (_, call) -> info(call), "Read", (_, call) -> read(call)));
  }

  private byte[] blob(String digest) {
    byte[] blob = blobs.get(digest);
    if (blob == null) {
      throw new BuildException(Kind.NOT_FOUND, "content " + digest + ": not found");
    }
    return blob;
  }

  private static void send(Duplex<byte[], byte[]> call, Message message)
      throws InterruptedException {
    call.send(message.toByteArray());
  }

  private void info(Duplex<byte[], byte[]> call) throws IOException, InterruptedException {
    String digest = InfoRequest.parseFrom(call.receive().orElseThrow()).getDigest();
    boolean lies = lie == Lie.IMPOSSIBLE_SIZE && digest.equals(about);
    int size = blob(digest).length;
    send(
        call,
        InfoResponse.newBuilder()
            .setInfo(Info.newBuilder().setDigest(digest).setSize(lies ? -1 : size))
            .build());
  }

  private void read(Duplex<byte[], byte[]> call) throws IOException, InterruptedException {
    var request = ReadContentRequest.parseFrom(call.receive().orElseThrow());
    byte[] all = blob(request.getDigest());
    byte[] right = Arrays.copyOfRange(all, (int) request.getOffset(), all.length);
    byte[] half = Arrays.copyOf(right, right.length / 2);
    switch (request.getDigest().equals(about) ? lie : Lie.NONE) {
      case NONE, IMPOSSIBLE_SIZE -> bytes(call, right);
      case OTHER_BYTES -> bytes(call, new byte[right.length]);
      case TOO_SHORT -> bytes(call, half);
      case TOO_LONG -> bytes(call, Arrays.copyOf(right, right.length + 1));
      case WITHOUT_END -> {
        while (true) {
          bytes(call, new byte[CHUNK_BYTES]);
        }
      }
      case EMPTY_PARTS -> {
        bytes(call, half);
        for (; ; Thread.sleep(10)) {
          send(call, ReadContentResponse.getDefaultInstance());
        }
      }
      case STALLED -> {
        bytes(call, half);
        Thread.sleep(Long.MAX_VALUE);
      }
      case GIVEN_UP -> {
        bytes(call, half);
        throw new BuildException(Kind.CANCELED, "context canceled");
      }
    }
  }

  private static void bytes(Duplex<byte[], byte[]> call, byte[] bytes) throws InterruptedException {
    for (int at = 0; at < bytes.length; at += CHUNK_BYTES) {
      int length = Math.min(CHUNK_BYTES, bytes.length - at);
      send(
          call,
          ReadContentResponse.newBuilder()
              .setOffset(at)
              .setData(ByteString.copyFrom(bytes, at, length))
              .build());
    }
  }
}
