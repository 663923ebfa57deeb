package dev.kiln.ops.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheMap;
import dev.kiln.llb.FileAction;
import dev.kiln.llb.FileAction.ById;
import dev.kiln.llb.FileAction.ByName;
import dev.kiln.llb.FileAction.Copy;
import dev.kiln.llb.FileAction.MkDir;
import dev.kiln.llb.FileAction.MkFile;
import dev.kiln.llb.FileAction.Owner;
import dev.kiln.llb.FileAction.Rm;
import dev.kiln.llb.FileAction.Symlink;
import dev.kiln.llb.FileAction.UserRef;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.FileOp.Step;
import dev.kiln.model.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** V-20, V-22, V-27, L-110. The digests were printed by BuildKit v0.22's own file op. */
class FileOpKeyTest {
  private static Optional<Owner> owner(UserRef user, UserRef group) {
    return Optional.of(new Owner(Optional.of(user), Optional.of(group)));
  }

  private static Copy copy(
      String source, String dest, Optional<Owner> owner, int mode, long timestamp) {
    return new Copy(
        source, dest, owner, mode, "", false, false, false, false, false, false, timestamp,
        List.of(), List.of(), false);
  }

  private static CacheMap keyOf(int inputs, Step... steps) {
    return FileOpKey.of(new FileOp(List.of(steps)), inputs).toCacheMap(inputs);
  }

  private static Optional<Digest> sha(String hex) {
    return Optional.of(new Digest("sha256:" + hex));
  }

  @Test
  void mkdirReadsTheOwnersFileOfAnotherInput() {
    FileAction mkdir = new MkDir("/a<b>", 0755, true, owner(new ByName("joe", 1), new ById(0)), -1);
    CacheMap map = keyOf(2, new Step(0, -1, 0, mkdir));
    assertThat(map.digest().value())
        .isEqualTo("sha256:7dcf0c5b1030d5d7e769e17f214239332025794ec98e90e2cb1ff323b971ce4f");
    assertThat(map.deps().get(0)).isEqualTo(new CacheMap.Dep(Optional.empty(), false, true));
    assertThat(map.deps().get(1))
        .isEqualTo(
            new CacheMap.Dep(
                sha("74acf31844532670be412c65b8251ee55d072549080b1cffdbea6b1a192230a0"),
                true,
                true));
  }

  @Test
  void mkfileOnNothing() {
    FileAction mkfile =
        new MkFile("/f", 0644, "hello".getBytes(StandardCharsets.UTF_8), Optional.empty(), -1);
    assertThat(keyOf(0, new Step(-1, -1, 0, mkfile)).digest().value())
        .isEqualTo("sha256:a6ad30bac329778b376d260df127c6d224d28a5b1aa956d6931aea3959c790c6");
  }

  @Test
  void copySourceCountsByItsLastNameAndItsContent() {
    FileAction copy =
        new Copy(
            "/some/dir/file",
            "/dest/",
            Optional.empty(),
            -1,
            "",
            true,
            true,
            false,
            true,
            false,
            false,
            -1,
            List.of(),
            List.of(),
            false);
    CacheMap map = keyOf(2, new Step(0, 1, 0, copy));
    assertThat(map.digest().value())
        .isEqualTo("sha256:c717d0d2b82465f36b6ad2126c4bd03d97b4cfa25f2748df27b644cbceaa8cce");
    assertThat(map.deps().get(1).selector())
        .isEqualTo(sha("7a0f468af12510b2268d378ebf01dff8000a8d9f2b6f318ef3c06bf0781ad73d"));
  }

  @Test
  void severalActionsOfAllKinds() {
    FileAction pattern =
        new Copy(
            "/b/*.go",
            "/",
            Optional.empty(),
            -1,
            "u=rwX,go=rX",
            false,
            false,
            false,
            false,
            true,
            true,
            -1,
            List.of("x", "y"),
            List.of("z"),
            true);
    FileAction unpack =
        new Copy(
            "/b/c",
            "/",
            owner(new ByName("u", 2), new ByName("g", 2)),
            0600,
            "",
            false,
            false,
            true,
            false,
            false,
            false,
            1234567890,
            List.of(),
            List.of(),
            false);
    FileAction link =
        new Symlink(
            "/x", "/y", Optional.of(new Owner(Optional.of(new ById(5)), Optional.empty())), -1);
    CacheMap map =
        keyOf(
            3,
            new Step(0, 1, -1, pattern),
            new Step(3, 1, -1, unpack),
            new Step(4, -1, -1, link),
            new Step(5, -1, 0, new Rm("/q", true, true)));
    assertThat(map.digest().value())
        .isEqualTo("sha256:6581204604679caa33c4703ff33fa19906917d92b3a0b67ab3df0c02966662d0");
    assertThat(map.deps().get(1).selector())
        .isEqualTo(sha("d6982f9b9c875c56fca47b5f35e8ea05956186a715a4a4c2a387205a4c9050c3"));
    assertThat(map.deps().get(2).selector())
        .isEqualTo(sha("507cdc012a2da32a8d4e555178b78971bad84090540e4f89589de26210a32ece"));
  }

  @Test
  void indexesOfAPlainChainAreNotHashed() {
    Step first = new Step(0, -1, -1, new Rm("/q", false, false));
    assertThat(keyOf(1, first, new Step(2, -1, 0, new Rm("/r", false, false))).digest().value())
        .isEqualTo("sha256:77c96fdf191a636be02b4bae892bbe2c4f834d9b860d128a4ab801ecc0b2f7d8");
    assertThat(keyOf(1, first, new Step(1, -1, 0, new Rm("/r", false, false))).digest().value())
        .isEqualTo("sha256:f8c67a40e5060726913d412e3d4eacdd988f6693ea361898a0667dc57c815798");
  }

  @Test
  void inputThatIsWrittenTooHasNoContentKey() {
    CacheMap map = keyOf(1, new Step(0, 0, 0, copy("/some/", "/dest", Optional.empty(), -1, -1)));
    assertThat(map.digest().value())
        .isEqualTo("sha256:db01a2d201500cc1f01323a3b86475ea869b36e0a93a6218a5ee3010f1c17434");
    assertThat(map.deps()).containsExactly(new CacheMap.Dep(Optional.empty(), false, true));
  }
}
