#!/bin/bash
# Train on several machines without a scheduler. Give this on every machine, with a folder that all of them share:
#
#   examples/torchrun.sh MACHINES GPUS_OF_EACH FIRST_MACHINE tomograms.star
#
# FIRST_MACHINE is the name of one of them, port 29400 of which the others can reach.
set -euo pipefail
machines=$1 gpus=$2 first=$3 table=$4

if [ -e results/trainer.pt ]; then
    options=(--continue-from results)
else
    options=("$table" --output-dir results --batch-size $((4 * machines * gpus)))
fi

torchrun --nnodes "$machines" --nproc-per-node "$gpus" --rdzv-backend c10d --rdzv-endpoint "$first:29400" \
    -m isonet refine "${options[@]}"
