"""`python -m isonet` is the command `isonet`."""

from isonet.cli import main

main()
