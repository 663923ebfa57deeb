package dev.kiln.control;

import dev.kiln.exec.cdi.CdiDevices;
import dev.kiln.llb.DeviceRights;
import dev.kiln.llb.ExecOp.CdiDevice;
import java.util.List;

/** The worker's devices as builds ask for them. Any thread; blocks on the disk. */
record WorkerDevices(CdiDevices devices) implements DeviceRights.Registry {
  @Override
  public List<String> find(List<CdiDevice> wanted) {
    return devices.find(
        wanted.stream().map(d -> new CdiDevices.Wanted(d.name(), d.optional())).toList());
  }

  @Override
  public boolean isFree(String name) {
    return devices.list().stream().anyMatch(d -> d.name().equals(name) && d.autoAllowed());
  }
}
