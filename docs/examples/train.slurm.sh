#!/bin/bash
# One training on several ranks, of one machine or of several:
#
#   sbatch train.slurm.sh shd RECURRENT=true N_BATCH=256 --out runs/words
#
# It needs a program that was built with ranks against the MPI library that is loaded here:
#
#   cargo install --path crates/eventprop-cli --features mpi
#
# When the time is over, a checkpoint is written; submit the script again with the same words and the run goes on, also
# with another number of ranks. The folder of the run must be one that all machines see.
#SBATCH --job-name=eventprop
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=1G
#SBATCH --time=04:00:00
# Two minutes before the time is over, SIGTERM to all ranks: the batch is finished and a checkpoint written.
#SBATCH --signal=TERM@120

set -eu
out=runs/slurm
words=("$@")
for ((i = 0; i < $#; i++)); do
    if [[ ${words[i]} == --out ]]; then
        out=${words[i + 1]}
    fi
done
if [[ -z $(compgen -G "$out/*_checkpoint*.safetensors") ]]; then
    [[ " $* " == *" --out "* ]] || words+=(--out "$out")
    exec srun --mpi=pmix --kill-on-bad-exit=1 eventprop train "${words[@]}" --threads "$SLURM_CPUS_PER_TASK"
fi
exec srun --mpi=pmix --kill-on-bad-exit=1 eventprop resume "$out" --threads "$SLURM_CPUS_PER_TASK"
