"""Trains the classifier of `train.py` under Ray Train: pip install ray[train].

Ray starts the workers, on one machine or on those of a cluster, and
`cornu.distribution.initialize` connects them. After a failure, Ray starts all of them again, and
training continues from its last state.
"""

import argparse

import ray
import ray.train
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.v2.jax import JaxTrainer
from train import train


def work(config):
    """Runs in each worker."""
    accuracy = train(config["folder"], config["epochs"])
    ray.train.report({"accuracy": accuracy})


def main(folder, epochs, workers, use_gpu):
    """Returns the result of Ray Train."""
    trainer = JaxTrainer(
        work,
        train_loop_config={"folder": folder, "epochs": epochs},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=use_gpu),
        run_config=RunConfig(failure_config=FailureConfig(max_failures=3)),
    )
    return trainer.fit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="runs/digits")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--gpu", action="store_true")
    options = parser.parse_args()
    print(main(options.folder, options.epochs, options.workers, options.gpu))
