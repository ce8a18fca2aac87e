"""Filters of volumes of any size: transforms on disk, tiles, other voxel sizes, contrast transfer."""
