"""Slices, spectra and outlines of volumes as pictures."""
