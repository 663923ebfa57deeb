/**
 * The order of modules and the bans, held on the compiled classes: {@link
 * dev.kiln.tests.arch.ArchitectureTest}.
 */
@NullMarked
package dev.kiln.tests.arch;

import org.jspecify.annotations.NullMarked;
