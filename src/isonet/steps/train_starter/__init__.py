"""Imagined samples in, shown in all ways; a starter model out."""

from isonet.steps.train_starter.step import train_starter

__all__ = ["train_starter"]
