"""The steps, each one command and one function over one table.

::

    prepare ──> refine ──> predict
       │           │           │
    tomograms.star │           └─ corrected/<name>_corrected.mrc, rlnCorrectedTomoName
                   └─ results/model.safetensors, metrics.jsonl, previews

    step(project, config, run) -> project

`extract` may stand before `refine`: it cuts sub-volumes into files of their own, listed in `subtomo.star`, which refine
takes in place of `tomograms.star`; `prepare-subtomo-star` lists those that another program cut. `run`
strings the steps together; `simulate` and `reconstruct` make tomograms; `demo` shows it all on a simulated one.
"""
