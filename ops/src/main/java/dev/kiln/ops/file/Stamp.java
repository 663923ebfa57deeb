package dev.kiln.ops.file;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.time.Instant;
import java.util.Optional;

/** Owner and time that an action gives to what it makes; empty leaves what there is. Immutable. */
record Stamp(Optional<User> owner, Optional<Instant> time) {
  /** A numeric owner. */
  record User(int uid, int gid) {}

  void on(Fd directory, BytePath name) throws SyscallException {
    if (owner.isPresent()) {
      directory.chown(name, owner.get().uid(), owner.get().gid());
    }
    timeOn(directory, name);
  }

  void timeOn(Fd directory, BytePath name) throws SyscallException {
    if (time.isPresent()) {
      directory.utimes(name, time.get().getEpochSecond(), time.get().getNano());
    }
  }
}
