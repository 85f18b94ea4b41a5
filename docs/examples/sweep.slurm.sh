#!/bin/bash
# A sweep as a SLURM job array, one run a job:
#
#   sbatch --array=0-11 sweep.slurm.sh sweep.toml
#
# `eventprop sweep sweep.toml --list` says how many runs there are. A job that is cancelled, preempted or
# runs out of time has written a checkpoint; submit the same array again and it goes on, and what has ended
# is left alone. For PBS, read $PBS_ARRAY_INDEX instead of $SLURM_ARRAY_TASK_ID.
#SBATCH --job-name=eventprop-sweep
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --requeue
# Two minutes before the time is over, SIGTERM: the batch is finished, a checkpoint written, exit code 143.
#SBATCH --signal=B:TERM@120

set -eu
exec eventprop sweep "$1" \
    --array-index "$SLURM_ARRAY_TASK_ID" \
    --threads "$SLURM_CPUS_PER_TASK" \
    --data-dir "${EVENTPROP_DATA:?the folder that eventprop data fetch wrote to}"
