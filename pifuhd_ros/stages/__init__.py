"""One file a step of the reconstruction."""
