"""The table of tomograms that all steps share, and what goes into its rows."""
