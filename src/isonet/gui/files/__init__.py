"""The files of a project as the interface reads and writes them, and which of them it may show."""
