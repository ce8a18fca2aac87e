"""The errors a user is meant to read: one line with the file, the value and the remedy."""


class IsonetError(Exception):
    """A problem told in one line; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class InputError(IsonetError):
    """Bad usage or bad input: the user can mend it."""

    exit_code = 2


class RunError(IsonetError):
    """A run that could not go on although its input was good."""


class LostProcessError(RunError):
    """Another process of the same run has ended, and says itself why."""
