package dev.kiln.ops.exec;

import dev.kiln.exec.Executor;
import dev.kiln.exec.cdi.CdiDevices;
import dev.kiln.mounts.StepMounts;
import dev.kiln.session.Sessions;
import dev.kiln.store.Refs;
import java.util.UUID;

/** What exec ops run with; one for the daemon, which owns the parts. Immutable. */
public record ExecServices(
    Refs refs,
    Executor executor,
    StepMounts mounts,
    Sessions sessions,
    CdiDevices devices,
    Emulators emulators,
    StepUsages usages) {
  String newContainerId() {
    return UUID.randomUUID().toString().replace("-", "");
  }
}
