"""Files and code that are damaged on purpose."""
