"""`python -m isonet` is the command `isonet`."""

from isonet.cli.dispatch import main

if __name__ == "__main__":
    main()
