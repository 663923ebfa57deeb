/** Files over HTTP: {@link dev.kiln.sources.http.HttpSource}. */
@NullMarked
package dev.kiln.sources.http;

import org.jspecify.annotations.NullMarked;
