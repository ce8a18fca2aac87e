"""Pure tensor functions: no files, no configuration, no logging."""
