package dev.kiln.ops;

import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.ResultId;
import dev.kiln.actors.ResultLoader;
import java.util.Optional;

/**
 * Loads the local cache's records: a record's id is that of a ref, which is there or not. Nothing
 * is fetched. Stateless.
 */
public final class LocalResults implements ResultLoader {
  @Override
  public Optional<ResultId> load(CacheRecord record, OpContext context) {
    record.result().ifPresent(context.lease()::hold);
    return record.result();
  }
}
