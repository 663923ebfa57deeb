package dev.kiln.llb;

import dev.kiln.model.Attestation;
import java.util.Optional;

/**
 * A statement that a frontend attaches to one of its refs. Immutable.
 *
 * @param ref the file system in which {@link Attestation#path} lies; absent where the statement
 *     carries its own content
 */
public record FrontendAttestation(Attestation statement, Optional<FrontendRef> ref) {}
