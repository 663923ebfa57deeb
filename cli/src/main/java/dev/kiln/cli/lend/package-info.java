/**
 * What a build lends its daemon over a session: {@link dev.kiln.cli.lend.SessionServer} serves
 * directories, results, secrets, credentials and SSH agents inside a call to the daemon.
 */
@NullMarked
package dev.kiln.cli.lend;

import org.jspecify.annotations.NullMarked;
