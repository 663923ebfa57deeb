/** The database: {@link dev.kiln.store.records.Database}, one batching writer. */
@NullMarked
package dev.kiln.store.records;

import org.jspecify.annotations.NullMarked;
