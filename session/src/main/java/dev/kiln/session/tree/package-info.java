/**
 * The transfer of a file tree between a session's two ends: {@link
 * dev.kiln.session.tree.TreeReceiver} makes a directory equal to what {@link
 * dev.kiln.session.tree.TreeSender} walks. Used by the daemon and by its client.
 */
@NullMarked
package dev.kiln.session.tree;

import org.jspecify.annotations.NullMarked;
