"""What a command needs to run well: its folder, processes, memory and signals, and going on after an interruption."""
