"""The sub-volumes of a training: what they are drawn from, and drawing and filling them."""
