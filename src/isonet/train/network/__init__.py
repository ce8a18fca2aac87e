"""The network: its layers, its normalisation, the memory that it takes."""
