/**
 * File system states and blobs: what is kept, who uses it, what may go. Start at {@link
 * dev.kiln.store.Refs} (states), {@link dev.kiln.store.content.ContentStore} (blobs) and {@link
 * dev.kiln.store.Leases}.
 */
@NullMarked
package dev.kiln.store;

import org.jspecify.annotations.NullMarked;
