"""Terminal emulation without IO: engines behind one interface, snapshots, checkpoints, key encoding, attach filter."""
