"""The steps, each one command and one function over one table.

::

    prepare ──> deconv ──> refine ──> predict
       │           │          │           │
    tomograms.star │          │           └─ corrected/<name>_corrected.mrc, rlnCorrectedTomoName
                   │          └─ results/model.safetensors, metrics.jsonl, previews
                   └─ deconv/<name>_deconv.mrc, rlnDeconvTomoName

    step(project, config, run) -> project

`resize` changes the pixel size beforehand; `run` strings them together; `simulate` and `reconstruct` make tomograms;
`demo` shows it all on a simulated one.
"""
