"""How an error says that memory ran out."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out.

    Torch has a class for a GPU's, known here by its name, so that nobody has to load torch to ask. Those of the CPU's
    allocator are plain RuntimeErrors; threads and libraries need memory as well to be started.
    """
    said = (
        *("can't allocate memory", "not enough memory", "can't start new thread", "failed to map segment"),
        "out of memory",  # CUDA outside torch's allocator
        "could not create a primitive",  # oneDNN, which has no room for its code
        *("CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED", "CUFFT_ALLOC_FAILED"),  # libraries of CUDA
    )
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError | ImportError) and any(text in str(error) for text in said))
    )
