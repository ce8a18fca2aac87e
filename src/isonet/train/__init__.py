"""The network, the training pairs and the training loop."""
