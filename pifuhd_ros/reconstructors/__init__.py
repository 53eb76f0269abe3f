"""One file a system: the readable recipe."""
