"""Trains a classifier of digits, in one process or in several that train one model.

    python train.py                          # one process, all devices of the machine
    python -m cornu launch -n 4 train.py     # four processes on one machine
    sbatch slurm.sh                          # SLURM
    kubectl apply -f jobset.yaml             # Kubernetes
    python ray_train.py                      # Ray Train

If a process is lost, the same command continues from the last saved state.
"""

import argparse

import cornu
from cornu import layers


def make_model():
    """Returns a compiled model whose batches are divided among all devices of all processes."""
    image = cornu.Input((64,))
    x = layers.Dense(128, activation="relu")(image)
    x = layers.Dropout(0.2)(layers.BatchNormalization()(x))
    model = cornu.Model(image, layers.Dense(10)(x), name="digits")
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], distribution="data")
    return model


def train(folder, epochs=5):
    """Trains the model; returns its accuracy on the test data, the same in every process."""
    # Outside of a job, nothing happens; `cornu launch` has done it already.
    cornu.distribution.initialize()
    cornu.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = cornu.datasets.digits.load_data()
    x, x_test = (images.reshape(len(images), 64) / 16.0 for images in (x, x_test))
    model = make_model()
    # The folder must be one that all machines share.
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=2, resume=f"{folder}/state")
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    model.save(f"{folder}/digits.keras")  # by all processes; the first one writes the file
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="runs/digits")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    print(f"Test accuracy: {train(options.folder, options.epochs):.4f}")
