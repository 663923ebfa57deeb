package dev.kiln.control;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.grpc.Times;
import dev.kiln.grpc.content.AbortRequest;
import dev.kiln.grpc.content.ContentPowerApi;
import dev.kiln.grpc.content.DeleteContentRequest;
import dev.kiln.grpc.content.Info;
import dev.kiln.grpc.content.InfoRequest;
import dev.kiln.grpc.content.InfoResponse;
import dev.kiln.grpc.content.ListContentRequest;
import dev.kiln.grpc.content.ListContentResponse;
import dev.kiln.grpc.content.ListStatusesRequest;
import dev.kiln.grpc.content.ListStatusesResponse;
import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.grpc.content.StatusRequest;
import dev.kiln.grpc.content.StatusResponse;
import dev.kiln.grpc.content.UpdateRequest;
import dev.kiln.grpc.content.UpdateResponse;
import dev.kiln.grpc.content.WriteContentRequest;
import dev.kiln.grpc.content.WriteContentResponse;
import dev.kiln.grpc.transport.Call;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FieldFilter;
import dev.kiln.model.Kind;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.content.ContentStore.BlobInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;

/**
 * The daemon's blobs, read-only: with it clients read logs, traces, provenance and results of past
 * builds. Writing methods are refused. Any thread.
 */
public final class ContentService implements ContentPowerApi {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int LIST_BATCH = 100;

  private final Opening<Backend> backend;

  public ContentService(Opening<Backend> backend) {
    this.backend = backend;
  }

  private ContentStore content() throws InterruptedException {
    return backend.await().store().content();
  }

  @Override
  public CompletionStage<InfoResponse> info(InfoRequest in, Metadata metadata) {
    return Call.of(metadata)
        .answer(
            "content-info",
            () -> {
              ContentStore content = content();
              BlobInfo blob = blob(content, in.getDigest());
              return InfoResponse.newBuilder().setInfo(info(content, blob)).build();
            });
  }

  /**
   * Blobs that the history keeps can be read but are not listed: in BuildKit they lie in a
   * namespace of their own, which reading falls back to.
   */
  @Override
  public Source<ListContentResponse, NotUsed> list(ListContentRequest in, Metadata metadata) {
    return Produced.by(
        Call.of(metadata),
        "content-list",
        sink -> {
          List<FieldFilter> filters = in.getFiltersList().stream().map(FieldFilter::parse).toList();
          ContentStore content = content();
          Set<Digest> ofHistory = backend.await().history().blobs();
          var all = new ArrayList<BlobInfo>();
          content.walk(blob -> {
            if (!ofHistory.contains(blob.digest())) {
              all.add(blob);
            }
          });
          var batch = ListContentResponse.newBuilder();
          for (BlobInfo blob : all) {
            Info info = info(content, blob);
            if (FieldFilter.any(filters, path -> field(info, path))) {
              batch.addInfo(info);
            }
            if (batch.getInfoCount() == LIST_BATCH) {
              sink.put(batch.build());
              batch.clear();
            }
          }
          if (batch.getInfoCount() > 0) {
            sink.put(batch.build());
          }
        });
  }

  private static Optional<String> field(Info info, List<String> path) {
    return switch (path.getFirst()) {
      case "digest" -> Optional.of(info.getDigest());
      case "size" -> Optional.of(Long.toString(info.getSize()));
      case "labels" ->
          Optional.ofNullable(
              info.getLabelsMap().get(String.join(".", path.subList(1, path.size()))));
      default -> Optional.empty();
    };
  }

  @Override
  public Source<ReadContentResponse, NotUsed> read(ReadContentRequest in, Metadata metadata) {
    return Produced.by(
        Call.of(metadata),
        "content-read",
        sink -> {
          ContentStore content = content();
          BlobInfo blob = blob(content, in.getDigest());
          long end = in.getSize() > 0 ? in.getOffset() + in.getSize() : blob.sizeBytes();
          if (in.getOffset() > blob.sizeBytes() || end > blob.sizeBytes()) {
            throw new BuildException(
                Kind.INVALID,
                "read past object length "
                    + blob.sizeBytes()
                    + " bytes: offset "
                    + in.getOffset()
                    + ", size "
                    + in.getSize());
          }
          try (SeekableByteChannel from = content.open(blob.digest())) {
            from.position(in.getOffset());
            for (long at = in.getOffset(); at < end; ) {
              ByteString data = chunk(from, (int) Math.min(CHUNK_BYTES, end - at));
              sink.put(ReadContentResponse.newBuilder().setOffset(at).setData(data).build());
              at += data.size();
            }
          }
        });
  }

  private static ByteString chunk(SeekableByteChannel from, int size) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(size);
    while (buffer.hasRemaining()) {
      if (from.read(buffer) < 0) {
        throw new IOException("the blob ended early");
      }
    }
    return UnsafeByteOperations.unsafeWrap(buffer.flip());
  }

  private static BlobInfo blob(ContentStore content, String digest) {
    if (!Digest.isValid(digest)) {
      throw new BuildException(Kind.INVALID, "\"" + digest + "\": invalid checksum digest format");
    }
    return content
        .info(new Digest(digest))
        .orElseThrow(() -> new BuildException(Kind.NOT_FOUND, "content " + digest + ": not found"));
  }

  /** Where a blob came from is a label each host, as containerd keeps it. */
  private static Info info(ContentStore content, BlobInfo blob) {
    Map<String, String> sources = new TreeMap<>();
    for (String source : content.sources(blob.digest())) {
      int slash = source.indexOf('/');
      if (slash > 0) {
        sources.merge(
            "containerd.io/distribution.source." + source.substring(0, slash),
            source.substring(slash + 1),
            (a, b) -> a + "," + b);
      }
    }
    return Info.newBuilder()
        .setDigest(blob.digest().value())
        .setSize(blob.sizeBytes())
        .setCreatedAt(Times.timestamp(blob.createdAt()))
        .setUpdatedAt(Times.timestamp(blob.createdAt()))
        .putAllLabels(sources)
        .build();
  }

  @Override
  public CompletionStage<StatusResponse> status(StatusRequest in, Metadata metadata) {
    return Call.failed(
        new BuildException(Kind.NOT_FOUND, "ingestion " + in.getRef() + ": not found"));
  }

  /** What is being written is not shown: there is nothing that a reader could do with it. */
  @Override
  public CompletionStage<ListStatusesResponse> listStatuses(
      ListStatusesRequest in, Metadata metadata) {
    return Call.of(metadata).answer("content-statuses", ListStatusesResponse::getDefaultInstance);
  }

  private static BuildException readOnly() {
    return new BuildException(Kind.UNKNOWN, "read-only content store");
  }

  @Override
  public CompletionStage<UpdateResponse> update(UpdateRequest in, Metadata metadata) {
    return Call.failed(readOnly());
  }

  @Override
  public CompletionStage<Empty> delete(DeleteContentRequest in, Metadata metadata) {
    return Call.failed(readOnly());
  }

  @Override
  public Source<WriteContentResponse, NotUsed> write(
      Source<WriteContentRequest, NotUsed> in, Metadata metadata) {
    return Source.failed(readOnly());
  }

  @Override
  public CompletionStage<Empty> abort(AbortRequest in, Metadata metadata) {
    return Call.failed(readOnly());
  }
}
