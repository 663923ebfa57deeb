/**
 * Devices by the Container Device Interface: what specifications on this machine offer and what a
 * container needs changed to have it. Start with {@link dev.kiln.exec.cdi.CdiDevices}.
 */
@NullMarked
package dev.kiln.exec.cdi;

import org.jspecify.annotations.NullMarked;
