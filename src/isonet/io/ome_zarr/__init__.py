"""OME-Zarr 0.4 and 0.5: pyramids of images in folders of chunks, as the CryoET Data Portal has them.

::

    cell.zarr/            group: its attributes name the axes, their units, and the levels with their scales
      0/  1/  2/          arrays, each half as fine as the one before, in chunks or in shards of chunks
      labels/             segmentations: masks for who names them, no tomograms

The attributes are read here (:mod:`~isonet.io.ome_zarr.nodes`, :mod:`~isonet.io.ome_zarr.levels`), so that a folder can
be looked through without the package zarr. That decodes and encodes the chunks (:mod:`~isonet.io.ome_zarr.chunks`,
:mod:`~isonet.io.ome_zarr.pyramid`).
"""
