/**
 * What the tests of whole daemons share: {@link dev.kiln.tests.support.Distribution} starts one,
 * {@link dev.kiln.tests.support.Buildctl} is its client, {@link dev.kiln.tests.support.Footprint}
 * measures what it holds.
 */
@NullMarked
package dev.kiln.tests.support;

import org.jspecify.annotations.NullMarked;
