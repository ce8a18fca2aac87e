#!/bin/bash
# Correct many tomograms with as many independent jobs as the cluster has room for:
#
#   sbatch examples/slurm-array.sh tomograms.star results
#
# Every job is given the same command and takes the next tomogram that no other one has. Jobs may begin and end when they
# like; those that come too late find nothing to do.
#SBATCH --job-name=isonet-predict
#SBATCH --array=1-8
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=32G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output=isonet-predict-%A-%a.log

isonet predict "${1:-tomograms.star}" "${2:-results}" --output-dir corrected
