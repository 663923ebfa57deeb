package dev.kiln.control;

import dev.kiln.actors.Solver;
import dev.kiln.control.history.BuildHistory;
import dev.kiln.store.Store;

/**
 * What needs the disk, opened after the daemon listens. Its parts are closed by the daemon, not
 * here.
 */
public record Backend(
    Store store, Solver solver, BuildHistory history, Builds builds, Collector gc) {}
