"""Files to arrays and records and back; nothing else."""
