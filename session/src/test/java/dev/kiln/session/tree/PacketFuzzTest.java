package dev.kiln.session.tree;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;

/** Any bytes are a packet or refused; one that was read is written and read again as it is. */
class PacketFuzzTest {
  @FuzzTest
  void anyPacketIsReadOrRefused(byte[] bytes) throws IOException {
    Packet packet;
    try {
      packet = PacketCodec.decode(bytes);
    } catch (IOException expected) {
      assertThat(expected.getMessage()).isNotBlank();
      return;
    }
    byte[] written = PacketCodec.encode(packet);
    assertThat(PacketCodec.encode(PacketCodec.decode(written))).isEqualTo(written);
  }
}
