"""Simulated samples, and how results on them are judged."""
