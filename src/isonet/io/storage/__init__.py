"""How voxels lie on the disk, for the readers of all formats."""
