package dev.kiln.store;

import dev.kiln.model.Descriptor;
import java.util.Map;
import java.util.Optional;

/** The image store's names: each points at a manifest or index, which stays while it is named. */
public interface ImageNames {
  void put(String name, Descriptor target);

  Optional<Descriptor> find(String name);

  Map<String, Descriptor> all();

  void remove(String name);
}
