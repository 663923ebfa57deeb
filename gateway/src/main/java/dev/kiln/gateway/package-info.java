/**
 * What a frontend may ask of a build, wherever it runs: {@link dev.kiln.gateway.BuildBridge}
 * answers, {@link dev.kiln.gateway.LlbBridge} puts it on the wire, {@link dev.kiln.gateway.Bridges}
 * finds the bridge of a build.
 */
@NullMarked
package dev.kiln.gateway;

import org.jspecify.annotations.NullMarked;
