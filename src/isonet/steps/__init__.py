"""The steps, each one command and one function over one table.

::

    prepare ──> refine ──> predict
       │           │           │
    tomograms.star │           └─ corrected/<name>_corrected.mrc, rlnCorrectedTomoName
                   └─ results/model.safetensors, metrics.jsonl, previews

    step(project, config, run) -> project

`run` strings them together; `simulate` and `reconstruct` make tomograms; `demo` shows it all on a simulated one.
"""
