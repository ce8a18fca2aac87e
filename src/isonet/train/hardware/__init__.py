"""What a network runs on: its arithmetic, what it waits for, and what is fastest on it."""
