"""Volumes as steps read, check, filter, write and show them."""
