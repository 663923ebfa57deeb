/**
 * Networks of steps by CNI plugins (CNI specification 1.0.0). Start at {@link
 * dev.kiln.exec.cni.Sandboxes}, which opens what the configuration asks for, and {@link
 * dev.kiln.exec.cni.NamespacePool}, from which steps take their network.
 */
@NullMarked
package dev.kiln.exec.cni;

import org.jspecify.annotations.NullMarked;
