"""Trained networks on disk: the folder of a training, what a model says of itself, and reading it."""
