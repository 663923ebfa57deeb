package dev.kiln.daemon;

import dev.kiln.config.ConfigException;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.FileLock;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A listening unix socket at a path where nobody else listens. What a dead process left there is
 * replaced; what somebody answers on, or is no socket, is not touched. At the end the path is
 * removed if it is still this socket. Who bound it closes it.
 */
final class UnixSocket implements AutoCloseable {
  private final ServerSocketChannel channel;
  private final BytePath path;
  private final Stat.Inode inode;

  private UnixSocket(ServerSocketChannel channel, BytePath path, Stat.Inode inode) {
    this.channel = channel;
    this.path = path;
    this.inode = inode;
  }

  /**
   * Binds one. Its folder is locked meanwhile, so of two daemons that find the same dead socket one
   * is refused.
   *
   * @param mode permissions of the socket
   * @param uid who shall own it, and {@code gid} its group; -1: as it comes
   * @throws ConfigException where something else is there
   */
  static UnixSocket bind(Path place, int mode, int uid, int gid) throws IOException {
    Path folder = place.toAbsolutePath().getParent();
    if (folder == null) {
      throw new ConfigException("it is no place for a socket");
    }
    Folders.makeForSockets(folder, uid, gid);
    try (FileLock _ = FileLock.ofFolder(folder)) {
      BytePath path = BytePath.of(place);
      removeDead(place, path);
      ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.bind(UnixDomainSocketAddress.of(place), Listeners.BACKLOG);
        var socket = new UnixSocket(channel, path, Fd.CWD.stat(path).inode());
        try {
          Folders.own(place, uid, gid);
          Fd.CWD.chmod(path, mode); // before, nobody but the owner could connect
          return socket;
        } catch (IOException e) {
          socket.close();
          throw e;
        }
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    }
  }

  private static void removeDead(Path place, BytePath path) throws IOException {
    Optional<Stat> there = stat(path);
    if (there.isEmpty()) {
      return;
    }
    if (there.get().type() != Stat.S_IFSOCK) {
      throw new ConfigException("something else than a socket is there; move it away");
    }
    if (answers(place)) {
      throw new ConfigException("another process answers there; stop it, or choose another place");
    }
    Files.deleteIfExists(place);
  }

  private static Optional<Stat> stat(BytePath path) throws SyscallException {
    try {
      return Optional.of(Fd.CWD.stat(path));
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Not blocking: a process that lives may be slow to take connections. */
  private static boolean answers(Path place) throws IOException {
    try (var probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.configureBlocking(false);
      probe.connect(UnixDomainSocketAddress.of(place));
      return true;
    } catch (ConnectException refused) {
      return false; // nobody listens any more
    } catch (IOException busyOrForbidden) {
      return true;
    }
  }

  ServerSocketChannel channel() {
    return channel;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    Optional<Stat> there = stat(path);
    if (there.isPresent() && there.get().inode().equals(inode)) {
      Fd.CWD.unlink(path);
    }
  }
}
