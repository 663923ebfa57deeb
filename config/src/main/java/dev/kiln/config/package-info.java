/**
 * buildkitd.toml and the daemon's flags, read into validated records: start with {@link
 * dev.kiln.config.DaemonConfig} and {@link dev.kiln.config.ConfigReader}. Defaults and bounds live
 * here and nowhere else.
 */
@NullMarked
package dev.kiln.config;

import org.jspecify.annotations.NullMarked;
