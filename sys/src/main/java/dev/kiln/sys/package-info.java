/**
 * Linux system calls as checked Java methods; the only package that touches {@code
 * java.lang.foreign}. Start at {@link dev.kiln.sys.Fd} (files and directories), {@link
 * dev.kiln.sys.Mounts} and {@link dev.kiln.sys.SyscallException}.
 */
@NullMarked
package dev.kiln.sys;

import org.jspecify.annotations.NullMarked;
