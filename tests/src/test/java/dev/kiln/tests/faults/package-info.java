/**
 * What goes wrong from outside: killed and stalled clients, a killed daemon, full disks, input that
 * makes no sense. Afterwards nothing is left of it.
 */
@NullMarked
package dev.kiln.tests.faults;

import org.jspecify.annotations.NullMarked;
