/**
 * Layer directories in overlayfs' own format, and the ways to see a chain of them as one tree: by a
 * mount ({@link dev.kiln.store.snapshot.OverlaySnapshotter}), by copying ({@link
 * dev.kiln.store.snapshot.NativeSnapshotter}), or without either ({@link
 * dev.kiln.store.snapshot.MergedTree}).
 */
@NullMarked
package dev.kiln.store.snapshot;

import org.jspecify.annotations.NullMarked;
