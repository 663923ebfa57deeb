package dev.kiln.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchPathTest {
  @TempDir Path temp;

  private Path file(String path, String mode) throws Exception {
    Path file = temp.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  @Test
  void theFirstProgramOfTheNameIsFound() throws Exception {
    file("a/text", "rw-r--r--");
    Files.createDirectories(temp.resolve("a/folder"));
    Path second = file("b/text", "rwxr-xr-x");
    file("c/text", "rwxr-xr-x");
    Path folder = file("c/folder", "rwxr-xr-x");
    SearchPath path =
        SearchPath.parse(temp + "/nowhere::" + temp + "/a:" + temp + "/b:" + temp + "/c");
    assertThat(path.folders()).hasSize(4);
    assertThat(path.find("text")).contains(second);
    assertThat(path.find("folder")).contains(folder);
    assertThat(path.find("other")).isEmpty();
    assertThat(SearchPath.parse("").find("text")).isEmpty();
  }
}
