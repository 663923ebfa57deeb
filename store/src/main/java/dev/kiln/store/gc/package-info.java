/** What may be collected, as pure functions: {@link dev.kiln.store.gc.Collector}. */
@NullMarked
package dev.kiln.store.gc;

import org.jspecify.annotations.NullMarked;
