"""The steps, each one command and one function over one table.

::

    prepare ──> deconv ──> mask ──> extract ──> refine ──> predict
       │           │         │         │           │           │
       │           │         │         │           │           └─ corrected/<name>_corrected.mrc, rlnCorrectedTomoName
       │           │         │         │           └─ results/model.safetensors, metrics.jsonl, previews
       │           │         │         └─ subtomo.star, subtomo/<name>_000001.mrc   (may be left out)
       │           │         └─ mask/<name>_mask.mrc, rlnMaskName                   (may be left out)
       │           └─ deconv/<name>_deconv.mrc, rlnDeconvTomoName                   (may be left out)
       └─ tomograms.star

    step(project, config, run) -> project

`deconv` also restores the contrast of what `predict` made: corrected/deconvolved, rlnCorrectedDeconvTomoName.
`refine` takes `tomograms.star` or `subtomo.star`; `prepare-subtomo-star` lists sub-volumes that another program cut.
`validate` removes measured tilts, trains and predicts without them, and compares: validation.json says what to believe.
`report` shows on one page what was done and how far to believe it: report.html, report.json, report.cxc.
`resize` changes the pixel size beforehand; `run` strings the steps together; `simulate` and `reconstruct` make
tomograms; `demo` shows it all on a simulated one.
"""
