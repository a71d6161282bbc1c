#!/bin/bash
# Two machines with four GPUs each, one process for each GPU.
#   sbatch slurm.sh --folder /shared/runs/digits
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --time=01:00:00
#SBATCH --requeue

# The processes find each other by the variables that srun sets. If one fails, all end, and the job
# may be submitted again: training continues from its last state.
cd "${SLURM_SUBMIT_DIR:-.}" || exit
srun --kill-on-bad-exit=1 python train.py "$@"
