package dev.kiln.session.tree;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import dev.kiln.sys.BytePath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * {@link Packet}s and {@link TreeEntry}s as protobuf. Stateless. Field numbers: fsutil 2025-04-17,
 * {@code types/wire.proto} and {@code types/stat.proto}.
 */
final class PacketCodec {
  private static final int STAT = 0;
  private static final int REQ = 1;
  private static final int DATA = 2;
  private static final int FIN = 3;
  private static final int ERR = 4;
  private static final byte[] NONE = {};

  private PacketCodec() {}

  static byte[] encode(Packet packet) {
    try {
      return switch (packet) {
        case Packet.Entry(TreeEntry entry) -> {
          byte[] stat = encode(entry);
          byte[] all = new byte[CodedOutputStream.computeByteArraySize(2, stat)];
          CodedOutputStream.newInstance(all).writeByteArray(2, stat);
          yield all;
        }
        case Packet.EndOfEntries() -> NONE;
        case Packet.Request(int id) -> encode(REQ, id, NONE, 0, 0);
        case Packet.Data(int id, byte[] bytes, int offset, int length) ->
            encode(DATA, id, bytes, offset, length);
        case Packet.Fin() -> encode(FIN, 0, NONE, 0, 0);
        case Packet.Failed(String message) -> {
          byte[] text = message.getBytes(StandardCharsets.UTF_8);
          yield encode(ERR, 0, text, 0, text.length);
        }
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e); // an array of the size computed takes it
    }
  }

  private static byte[] encode(int type, int id, byte[] data, int offset, int length)
      throws IOException {
    int size = CodedOutputStream.computeUInt32Size(1, type);
    size += id == 0 ? 0 : CodedOutputStream.computeUInt32Size(3, id);
    if (length > 0) {
      size += CodedOutputStream.computeTagSize(4);
      size += CodedOutputStream.computeUInt32SizeNoTag(length) + length;
    }
    byte[] all = new byte[size];
    var out = CodedOutputStream.newInstance(all);
    out.writeUInt32(1, type);
    if (id != 0) {
      out.writeUInt32(3, id);
    }
    if (length > 0) {
      out.writeByteArray(4, data, offset, length);
    }
    return all;
  }

  static Packet decode(byte[] bytes) throws IOException {
    var in = CodedInputStream.newInstance(bytes);
    int type = STAT;
    int id = 0;
    int statAt = -1;
    int statLength = 0;
    int dataAt = 0;
    int dataLength = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> type = in.readRawVarint32();
        case 2 -> {
          statLength = in.readRawVarint32();
          statAt = in.getTotalBytesRead();
          in.skipRawBytes(statLength);
        }
        case 3 -> id = in.readRawVarint32();
        case 4 -> {
          dataLength = in.readRawVarint32();
          dataAt = in.getTotalBytesRead();
          in.skipRawBytes(dataLength);
        }
        default -> in.skipField(tag);
      }
    }
    return switch (type) {
      case STAT ->
          statAt < 0
              ? new Packet.EndOfEntries()
              : new Packet.Entry(decodeEntry(bytes, statAt, statLength));
      case REQ -> new Packet.Request(id);
      case DATA -> new Packet.Data(id, bytes, dataAt, dataLength);
      case FIN -> new Packet.Fin();
      case ERR -> new Packet.Failed(new String(bytes, dataAt, dataLength, StandardCharsets.UTF_8));
      default -> throw new IOException("unknown packet type " + type);
    };
  }

  static byte[] encode(TreeEntry e) throws IOException {
    byte[] path = e.path().bytes();
    byte[] linkname = e.linkname().bytes();
    int size = bytesSize(1, path) + bytesSize(7, linkname);
    size += e.mode() == 0 ? 0 : CodedOutputStream.computeUInt32Size(2, e.mode());
    size += e.uid() == 0 ? 0 : CodedOutputStream.computeUInt32Size(3, e.uid());
    size += e.gid() == 0 ? 0 : CodedOutputStream.computeUInt32Size(4, e.gid());
    size += longSize(5, e.sizeBytes()) + longSize(6, e.mtimeNanos());
    size += longSize(8, e.devMajor()) + longSize(9, e.devMinor());
    for (var x : e.xattrs().entrySet()) {
      int inner = xattrSize(x.getKey(), x.getValue());
      size += CodedOutputStream.computeTagSize(10);
      size += CodedOutputStream.computeUInt32SizeNoTag(inner) + inner;
    }
    byte[] all = new byte[size];
    var out = CodedOutputStream.newInstance(all);
    writeBytes(out, 1, path);
    writeInt(out, 2, e.mode());
    writeInt(out, 3, e.uid());
    writeInt(out, 4, e.gid());
    writeLong(out, 5, e.sizeBytes());
    writeLong(out, 6, e.mtimeNanos());
    writeBytes(out, 7, linkname);
    writeLong(out, 8, e.devMajor());
    writeLong(out, 9, e.devMinor());
    for (var x : e.xattrs().entrySet()) {
      out.writeTag(10, WireFormat.WIRETYPE_LENGTH_DELIMITED);
      out.writeUInt32NoTag(xattrSize(x.getKey(), x.getValue()));
      out.writeString(1, x.getKey());
      out.writeByteArray(2, x.getValue());
    }
    return all;
  }

  private static int xattrSize(String name, byte[] value) {
    return CodedOutputStream.computeStringSize(1, name)
        + CodedOutputStream.computeByteArraySize(2, value);
  }

  private static int bytesSize(int field, byte[] value) {
    return value.length == 0 ? 0 : CodedOutputStream.computeByteArraySize(field, value);
  }

  private static int longSize(int field, long value) {
    return value == 0 ? 0 : CodedOutputStream.computeInt64Size(field, value);
  }

  private static void writeBytes(CodedOutputStream out, int field, byte[] value)
      throws IOException {
    if (value.length > 0) {
      out.writeByteArray(field, value);
    }
  }

  private static void writeInt(CodedOutputStream out, int field, int value) throws IOException {
    if (value != 0) {
      out.writeUInt32(field, value);
    }
  }

  private static void writeLong(CodedOutputStream out, int field, long value) throws IOException {
    if (value != 0) {
      out.writeInt64(field, value);
    }
  }

  private static TreeEntry decodeEntry(byte[] bytes, int offset, int length) throws IOException {
    var in = CodedInputStream.newInstance(bytes, offset, length);
    BytePath path = BytePath.EMPTY;
    BytePath linkname = BytePath.EMPTY;
    int mode = 0;
    int uid = 0;
    int gid = 0;
    long size = 0;
    long mtime = 0;
    long major = 0;
    long minor = 0;
    SortedMap<String, byte[]> xattrs = TreeEntry.NO_XATTRS;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> path = path(in);
        case 2 -> mode = in.readRawVarint32();
        case 3 -> uid = in.readRawVarint32();
        case 4 -> gid = in.readRawVarint32();
        case 5 -> size = in.readRawVarint64();
        case 6 -> mtime = in.readRawVarint64();
        case 7 -> linkname = path(in);
        case 8 -> major = in.readRawVarint64();
        case 9 -> minor = in.readRawVarint64();
        case 10 -> {
          if (xattrs == TreeEntry.NO_XATTRS) {
            xattrs = new TreeMap<>();
          }
          decodeXattr(in, xattrs);
        }
        default -> in.skipField(tag);
      }
    }
    return new TreeEntry(path, mode, uid, gid, size, mtime, linkname, major, minor, xattrs);
  }

  private static BytePath path(CodedInputStream in) throws IOException {
    try {
      return BytePath.ofBytes(in.readByteArray());
    } catch (InvalidPathException e) {
      throw new IOException(e.getReason(), e);
    }
  }

  private static void decodeXattr(CodedInputStream in, SortedMap<String, byte[]> to)
      throws IOException {
    int outer = in.pushLimit(in.readRawVarint32());
    String name = "";
    byte[] value = NONE;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> name = new String(in.readByteArray(), StandardCharsets.UTF_8);
        case 2 -> value = in.readByteArray();
        default -> in.skipField(tag);
      }
    }
    in.popLimit(outer);
    to.put(name, value);
  }
}
