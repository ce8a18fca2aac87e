"""Samples that are imagined, and how a microscope would show them: particles, scenes, projections, imaging."""
