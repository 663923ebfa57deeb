/**
 * Records of builds: who asked for what, how it ended, where its log and results lie. Start with
 * {@link dev.kiln.control.history.BuildHistory}.
 */
@NullMarked
package dev.kiln.control.history;

import org.jspecify.annotations.NullMarked;
