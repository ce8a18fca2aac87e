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


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out.

    Those of the CPU's allocator are plain RuntimeErrors; threads and libraries need memory as well to be started.
    """
    said = (
        *("can't allocate memory", "not enough memory", "can't start new thread", "failed to map segment"),
        "out of memory",  # a GPU
        "could not create a primitive",  # oneDNN, which has no room for its code
    )
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError) and any(text in str(error) for text in said)
    )
