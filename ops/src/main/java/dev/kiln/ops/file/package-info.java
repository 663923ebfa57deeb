/**
 * File ops: how their content is keyed and how copy, mkdir, mkfile, rm and symlink change a tree
 * without ever leaving it. Start with {@link dev.kiln.ops.file.ModeEdit}.
 */
@NullMarked
package dev.kiln.ops.file;

import org.jspecify.annotations.NullMarked;
