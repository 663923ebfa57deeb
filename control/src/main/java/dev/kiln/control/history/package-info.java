/**
 * Records of builds: who asked for what, how it ended, where its log and results lie, and how
 * results were made. Start with {@link dev.kiln.control.history.BuildHistory} and {@link
 * dev.kiln.control.history.Provenance}.
 */
@NullMarked
package dev.kiln.control.history;

import org.jspecify.annotations.NullMarked;
