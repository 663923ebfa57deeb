package dev.kiln.cli.lend;

import dev.kiln.cli.Output;
import dev.kiln.grpc.PlainBytes;
import dev.kiln.grpc.session.filesync.BytesMessage;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.Duplex;
import dev.kiln.session.FileSend;
import dev.kiln.session.ServerDuplex;
import dev.kiln.session.tree.Packet;
import dev.kiln.session.tree.PacketStream;
import dev.kiln.session.tree.ReceiveOptions;
import dev.kiln.session.tree.TreeReceiver;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Takes what comes of a build to where the command line wants it. Any thread. */
final class OutputService {
  private final List<Output> outputs;
  private final OutputStream standardOutput;
  private final int uid;
  private final int gid;

  /**
   * @param standardOutput where an output to {@code -} goes; stays open
   * @param uid owner of the files that come out
   */
  OutputService(List<Output> outputs, OutputStream standardOutput, int uid, int gid) {
    this.outputs = List.copyOf(outputs);
    this.standardOutput = standardOutput;
    this.uid = uid;
    this.gid = gid;
  }

  /** Whether the bytes of a call are a tree's packets or one file, only the exporter id tells. */
  ServerServiceDefinition definition() {
    var method =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(FileSend.METHOD)
            .setRequestMarshaller(PlainBytes.MARSHALLER)
            .setResponseMarshaller(PlainBytes.MARSHALLER)
            .build();
    return ServerServiceDefinition.builder("moby.filesync.v1.FileSend")
        .addMethod(method, ServerDuplex.handler(this::receive))
        .build();
  }

  private void receive(Metadata headers, Duplex<byte[], byte[]> call)
      throws IOException, InterruptedException {
    int id =
        Services.values(headers, FileSend.EXPORTER_ID).stream()
            .findFirst()
            .map(Integer::parseInt)
            .orElse(0);
    if (id < 0 || id >= outputs.size()) {
      throw new BuildException(Kind.NOT_FOUND, "exporter " + id + " not found");
    }
    switch (outputs.get(id).target()) {
      case Output.Target.Directory(Path path) -> {
        try {
          Files.createDirectories(path);
          TreeReceiver.receive(
              new Packets(call, "--output dest=" + path),
              path,
              ReceiveOptions.MERGE.withMap(e -> e.ownedBy(uid, gid)));
        } catch (IOException e) {
          throw Services.failed("--output dest=" + path, e);
        }
      }
      case Output.Target.File(Path path) -> {
        try {
          receiveFile(path, call);
        } catch (IOException e) {
          throw Services.failed("--output dest=" + path, e);
        }
      }
      case Output.Target.StandardOutput() -> {
        try {
          copy(call, standardOutput);
          standardOutput.flush();
        } catch (IOException e) {
          throw Services.failed("--output -, the standard output", e);
        }
      }
      case Output.Target.Nowhere() ->
          throw new BuildException(Kind.NOT_FOUND, "exporter " + id + " takes no files here");
    }
  }

  private static void receiveFile(Path path, Duplex<byte[], byte[]> call)
      throws IOException, InterruptedException {
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      try (OutputStream out = Files.newOutputStream(path)) { // a device or pipe takes the bytes
        copy(call, out);
      }
      return;
    }
    Path file = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
    Path parent = file.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    // Whole or not at all: a file of half an image looks like one.
    Path partial = file.resolveSibling("." + file.getFileName() + ".part");
    try {
      try (OutputStream out = Files.newOutputStream(partial)) {
        copy(call, out);
      }
      Files.move(partial, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private static void copy(Duplex<byte[], byte[]> call, OutputStream out)
      throws IOException, InterruptedException {
    for (var next = call.receive(); next.isPresent(); next = call.receive()) {
      BytesMessage.parseFrom(next.get()).getData().writeTo(out);
    }
  }

  /**
   * @param what names the transfer in the reason for its end
   */
  private record Packets(Duplex<byte[], byte[]> call, String what) implements PacketStream {
    @Override
    public void send(Packet packet) throws InterruptedException {
      try {
        call.send(Packet.MARSHALLER.stream(packet).readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public Optional<Packet> receive() throws InterruptedException {
      return call.receive().map(b -> Packet.MARSHALLER.parse(new ByteArrayInputStream(b)));
    }

    @Override
    public void cancel(String reason) {
      call.cancel(what + ": " + reason);
    }
  }
}
