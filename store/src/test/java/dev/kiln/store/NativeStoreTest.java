package dev.kiln.store;

class NativeStoreTest extends StoreTest {
  @Override
  String snapshotter() {
    return "native";
  }
}
