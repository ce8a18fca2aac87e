"""What the voxels of a tomogram show, compared with what is told of it: its wedge, how that lies, its halves."""
