#!/bin/bash
# Train on the GPUs of one machine or of several, in pieces of a few hours: edit the lines below, then
#
#   sbatch examples/slurm.sh tomograms.star
#
# Two minutes before the time is over Slurm sends SIGUSR1: all is saved and the job goes back into the queue, where the
# next piece goes on. The exit code tells what happened: 0 done (or --max-time is over), 138 after SIGUSR1.
#SBATCH --job-name=isonet
#SBATCH --nodes=1                  # machines
#SBATCH --ntasks-per-node=2        # one process for each GPU
#SBATCH --gres=gpu:2               # GPUs of each machine
#SBATCH --cpus-per-task=4
#SBATCH --mem=64G
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120          # to the processes, not to this script
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=isonet-%j.log

table=${1:-tomograms.star}
results=${2:-results}

if [ -e "$results/trainer.pt" ]; then
    options=(--continue-from "$results")
else
    options=("$table" --output-dir "$results" --batch-size 8)
fi

# -K ends all processes when one has failed. The processes find each other by Slurm's variables.
srun -K isonet refine "${options[@]}"
code=$?
if [ $code -eq 138 ]; then         # 128 + SIGUSR1: the time is over
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
[ $code -eq 0 ] || exit $code

# The processes share the tomograms; what is corrected already is kept.
srun isonet predict "$table" "$results" --output-dir corrected
