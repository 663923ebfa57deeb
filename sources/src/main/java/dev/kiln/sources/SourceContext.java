package dev.kiln.sources;

import dev.kiln.model.StepProgress;
import dev.kiln.store.Lease;
import java.util.List;

/** What a source may use during one call. Any thread. */
public interface SourceContext {
  /** Sessions that may serve it, the first one's first; asked again rather than kept. */
  List<String> sessionIds();

  StepProgress progress();

  /** Holds what the call brings here. */
  Lease lease();
}
