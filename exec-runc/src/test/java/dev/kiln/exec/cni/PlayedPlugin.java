package dev.kiln.exec.cni;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A shell script as plugin. It adds a line to the file {@code calls} beside it, keeps its input in
 * {@code NAME-COMMAND}, and answers as it was told.
 */
final class PlayedPlugin {
  private PlayedPlugin() {}

  static void write(Path folder, String name, String answer, int code) throws IOException {
    Path script = folder.resolve(name);
    Files.writeString(
        script,
        """
        #!/bin/sh
        cd "${0%%/*}"
        echo "$CNI_COMMAND ${0##*/} $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $CNI_PATH" >> calls
        cat > "${0##*/}-$CNI_COMMAND"
        echo '%s'
        exit %d
        """
            .formatted(answer, code));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
