/**
 * Runs the processes of builds. Start at {@link dev.kiln.ops.exec.ExecOpRunner}; how such an op is
 * keyed is in {@link dev.kiln.ops.exec.ExecOpKey}.
 */
@NullMarked
package dev.kiln.ops.exec;

import org.jspecify.annotations.NullMarked;
