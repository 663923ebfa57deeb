/**
 * The distribution as users start it: a daemon process, clients over its socket, real runc and
 * overlayfs.
 */
@NullMarked
package dev.kiln.tests.integration;

import org.jspecify.annotations.NullMarked;
