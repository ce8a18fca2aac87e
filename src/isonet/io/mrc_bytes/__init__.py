"""What the bytes of an MRC file say, and which numbers they are, before voxels are read."""
