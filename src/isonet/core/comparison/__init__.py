"""Volumes compared with each other: correlation by shell and direction, claims, calibration, seams."""
