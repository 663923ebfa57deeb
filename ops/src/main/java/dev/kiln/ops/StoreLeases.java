package dev.kiln.ops;

import dev.kiln.actors.OpContext;
import dev.kiln.actors.ResultId;
import dev.kiln.actors.ResultLease;
import dev.kiln.actors.ResultLeases;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import java.util.Optional;

/**
 * The solver's leases, kept by the store: a result is a ref, and both have the same id. Any thread.
 */
public final class StoreLeases implements ResultLeases {
  private final Store store;

  public StoreLeases(Store store) {
    this.store = store;
  }

  @Override
  public ResultLease open(String name) {
    return new Held(store, store.leases().open(name));
  }

  /** The store's lease behind the one that a runner is given. */
  public static Lease of(OpContext context) {
    return of(context.lease());
  }

  /** The store's lease behind one that {@link #open} made. */
  public static Lease of(ResultLease lease) {
    if (lease instanceof Held held) {
      return held.lease;
    }
    throw new IllegalArgumentException("a lease of another store: " + lease);
  }

  public static ResultId result(RefId ref) {
    return new ResultId(ref.value());
  }

  public static RefId ref(ResultId result) {
    return new RefId(result.value());
  }

  public static Optional<RefId> ref(Optional<ResultId> result) {
    return result.map(StoreLeases::ref);
  }

  private record Held(Store store, Lease lease) implements ResultLease {
    @Override
    public void hold(ResultId result) {
      store.refs().get(lease, ref(result)); // finds out whether it is still there, and holds it
    }

    @Override
    public void close() {
      lease.close();
    }
  }
}
