"""Measure how far from the edge of a tile a trained network's output still depends on where the edge is.

    python benchmarks/seams.py results/model.safetensors tomograms.star

A block of the first tomogram goes through the network as a whole, and as a tile cut out of its middle that begins at a
multiple of the network's step. Prints the root mean square of the difference, relative to the result's standard
deviation, by the distance from the tile's edges along y and x (z is whole in both), and, as the last line, the same as
JSON. Half of the overlap of neighbouring tiles should be as wide as it takes for the difference to fade.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from isonet.core.tilts import wedge
from isonet.models.trained import read_model
from isonet.project.table import HALF_COLUMNS, Project
from isonet.train.evaluate import Evaluator
from isonet.volumes.source import mean_source, open_sources

_DISTANCES = (0, 2, 4, 8, 12, 16, 20, 24, 32, 40)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--tile", type=int, default=96, help="edge of the tile along y and x")
    parser.add_argument("--block", type=int, default=192, help="edge of the block along y and x")
    parser.add_argument("--depth", type=int, default=96, help="sections of both")
    return parser.parse_args()


def profile(evaluator: Evaluator, block: torch.Tensor, tile: int) -> dict[int, float]:
    """Relative difference by distance from the edges of a tile in the middle of a block `[z, y, x]`."""
    first = (block.shape[-1] - tile) // 2 // evaluator.divisor * evaluator.divisor
    part = (slice(None), slice(first, first + tile), slice(first, first + tile))
    whole = evaluator(block[None, None])[0, 0][part]
    alone = evaluator(block[part].contiguous()[None, None])[0, 0]
    away = np.minimum(np.arange(tile), np.arange(tile)[::-1])
    distance = np.minimum(away[:, None], away)
    difference = (alone - whole).numpy() / float(whole.std())
    return {
        each: float(np.sqrt(np.mean(difference[:, distance == each] ** 2))) for each in _DISTANCES if each < tile // 2
    }


def main() -> None:
    """Measure one model on one tomogram."""
    options = arguments()
    model = read_model(options.model)
    evaluator = Evaluator(model.network, torch.device("cpu"), "float32")
    tomogram = Project.read(options.table).tomograms[0]
    halves = model.about["input_column"] == "halves"
    sources = open_sources(tomogram, HALF_COLUMNS if halves else (tomogram.full_column,))
    source = mean_source(*sources) if halves else sources[0]
    edges = (options.depth, options.block, options.block)
    corner = [(edge - part) // 2 for edge, part in zip(source.shape, edges, strict=True)]
    block = torch.from_numpy(source.cut(corner, edges))
    weights = wedge.weight(edges, source.measured, edge=int(model.about["cube_size"]))
    found = profile(evaluator, torch.fft.irfftn(torch.fft.rfftn(block) * weights, s=edges), options.tile)
    print("| voxels from the edge | " + " | ".join(map(str, found)) + " |")
    print("|---" * (len(found) + 1) + "|")
    print("| relative difference | " + " | ".join(f"{value:.4f}" for value in found.values()) + " |")
    print(json.dumps({"model": options.model.name, "network": model.about["network"], "profile": found}))


if __name__ == "__main__":
    main()
