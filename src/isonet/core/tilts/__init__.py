"""What a tilt series measures: ranges of tilts, the missing wedge, its noise, and how they show in spectra."""
