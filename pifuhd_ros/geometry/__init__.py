"""Pure functions: cameras, crop transforms, grids, rotations."""
