package dev.kiln.tests.integration;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** Tar archives whose every byte is told by the test. Stateless. */
final class TarBytes {
  private TarBytes() {}

  /** One entry and, for a file, its content. */
  record Entry(TarArchiveEntry header, byte[] content) {}

  static Entry directory(String name, int mode, int uid, int gid) {
    return entry(name, TarConstants.LF_DIR, mode, uid, gid, new byte[0]);
  }

  static Entry file(String name, int mode, int uid, int gid, String content) {
    return file(name, mode, uid, gid, content.getBytes(StandardCharsets.UTF_8));
  }

  static Entry file(String name, int mode, int uid, int gid, byte[] content) {
    return entry(name, TarConstants.LF_NORMAL, mode, uid, gid, content);
  }

  static Entry link(String name, String target) {
    Entry link = entry(name, TarConstants.LF_SYMLINK, 0777, 0, 0, new byte[0]);
    link.header().setLinkName(target);
    return link;
  }

  static Entry hardLink(String name, String target) {
    Entry link = entry(name, TarConstants.LF_LINK, 0644, 0, 0, new byte[0]);
    link.header().setLinkName(target);
    return link;
  }

  private static Entry entry(String name, byte type, int mode, int uid, int gid, byte[] content) {
    var header = new TarArchiveEntry(name, type);
    header.setMode(mode);
    header.setUserId(uid);
    header.setGroupId(gid);
    header.setUserName("");
    header.setGroupName("");
    header.setSize(content.length);
    return new Entry(header, content);
  }

  static byte[] of(Instant time, List<Entry> entries) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new TarArchiveOutputStream(bytes, StandardCharsets.UTF_8.name())) {
      out.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      for (Entry entry : entries) {
        entry.header().setModTime(Date.from(time));
        out.putArchiveEntry(entry.header());
        out.write(entry.content());
        out.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }
}
