/**
 * The daemon: from configuration to objects, listeners, order of start and stop. Start with {@link
 * dev.kiln.daemon.KilnDaemon}; {@link dev.kiln.daemon.Wiring} is the only place where modules are
 * put together.
 */
@NullMarked
package dev.kiln.daemon;

import org.jspecify.annotations.NullMarked;
