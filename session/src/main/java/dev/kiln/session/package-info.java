/**
 * The services a client lends over its {@code Session} stream, called by the daemon. Start at
 * {@link dev.kiln.session.Sessions}, then {@link dev.kiln.session.ClientSession} and the typed
 * callers such as {@link dev.kiln.session.FileSync}.
 */
@NullMarked
package dev.kiln.session;

import org.jspecify.annotations.NullMarked;
