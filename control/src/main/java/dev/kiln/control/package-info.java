/**
 * The gRPC services that clients call, each a thin translation. Start with {@link
 * dev.kiln.control.ControlService}; {@code history} keeps what was built.
 */
@NullMarked
package dev.kiln.control;

import org.jspecify.annotations.NullMarked;
