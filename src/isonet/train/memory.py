"""How an error says that memory ran out."""


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
