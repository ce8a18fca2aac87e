"""Lists of particles: places, their units and the tomograms that they are of."""
