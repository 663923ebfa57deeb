package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.model.Digest;
import dev.kiln.store.LocalStore;
import dev.kiln.store.StoreOptions;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C-12, C-21: an ended build is shown from the log that its record keeps. */
class BuildLogTest {
  @TempDir Path folder;

  private static StatusResponse status(String name) {
    return StatusResponse.newBuilder().addVertexes(Vertex.newBuilder().setName(name)).build();
  }

  /** 32 bits of length, little endian, and the status. */
  private static byte[] log(List<StatusResponse> all) {
    var out = new ByteArrayOutputStream();
    for (StatusResponse status : all) {
      byte[] bytes = status.toByteArray();
      out.writeBytes(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array());
      out.writeBytes(bytes);
    }
    return out.toByteArray();
  }

  private List<StatusResponse> read(byte[] log) throws Exception {
    var all = new ArrayList<StatusResponse>();
    try (var store = LocalStore.open(StoreOptions.of(folder, "native"))) {
      Digest digest = store.content().put("application/vnd.buildkit.status.v0", log).digest();
      BuildLog.read(store.content(), digest, each -> all.add(parsed(each)));
    }
    return all;
  }

  private static StatusResponse parsed(byte[] encoded) {
    try {
      return StatusResponse.parseFrom(encoded);
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void statusesComeInTheirOrderWhateverTheirSize() throws Exception {
    var all = List.of(status("a"), status("b".repeat(70_000)), StatusResponse.getDefaultInstance());
    assertThat(read(log(all))).isEqualTo(all);
  }

  @Test
  void aLogThatIsCutOffIsAnError() {
    byte[] whole = log(List.of(status("name")));
    assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length - 1)))
        .hasMessage("the log of the build is cut off");
  }
}
