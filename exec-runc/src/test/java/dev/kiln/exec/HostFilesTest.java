package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.exec.ContainerSpec.HostEntry;
import dev.kiln.exec.RuncOptions.Dns;
import java.util.List;
import org.junit.jupiter.api.Test;

class HostFilesTest {
  @Test
  void hostsNameTheContainerAndWhatTheStepAdds() {
    assertThat(HostFiles.hosts("box", List.of(new HostEntry("db", "10.0.0.2"))))
        .isEqualTo(
            "127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.2\tdb\n");
  }

  @Test
  void serversOnlyTheHostCanReachAreLeftOut() {
    String host =
        "# by hand\nnameserver 127.0.0.1\nnameserver 10.1.1.1\nsearch a b\noptions ndots:2\n";
    assertThat(HostFiles.resolvConf(host, Dns.NONE, false))
        .isEqualTo("nameserver 10.1.1.1\nsearch a b\noptions ndots:2\n");
  }

  @Test
  void withoutAnyServerPublicOnesAreNamed() {
    assertThat(HostFiles.resolvConf("nameserver ::1\n", Dns.NONE, false))
        .startsWith("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
    assertThat(HostFiles.resolvConf("", Dns.NONE, true)).startsWith("nameserver 8.8.8.8\n");
  }

  @Test
  void onTheHostsNetworkTheFileIsTheHosts() {
    String host = "; mine\nnameserver 127.0.0.53\n";
    assertThat(HostFiles.resolvConf(host, Dns.NONE, true)).isEqualTo(host);
  }

  @Test
  void configuredServersReplaceTheHosts() {
    var dns = new Dns(List.of("9.9.9.9"), List.of("edns0"), List.of("."));
    assertThat(HostFiles.resolvConf("nameserver 10.1.1.1\nsearch a\n", dns, false))
        .isEqualTo("nameserver 9.9.9.9\noptions edns0\n");
  }
}
