package dev.kiln.store;

class OverlayStoreTest extends StoreTest {
  @Override
  String snapshotter() {
    return "overlayfs";
  }
}
