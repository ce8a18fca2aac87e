"""Which voxels count: density, areas drawn by hand, the slab that a sample fills."""
