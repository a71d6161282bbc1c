# %% [markdown]
# # Trials in parallel with Ray
#
# Ray runs a function in several processes, on one machine or on many. Each worker trains one
# network with cornu and returns its weights; the main process compares them and combines their
# predictions to an ensemble. It needs `pip install "cornu[ray]"`. Training one network with
# several workers is in `examples/distribution`.

# %%
import logging
import os

import numpy as np
import ray

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))


# %% [markdown]
# ## The task of a worker
#
# A model travels between processes as its config and weights: cornu's models can be pickled.


# %%
def make_model():
    image = cornu.Input((8, 8), name="image")
    x = layers.Dense(32, "relu")(layers.Flatten()(image))
    return cornu.Model(image, layers.Dense(10, "softmax")(x))


@ray.remote(num_cpus=1)
def train(seed, images, labels):
    cornu.utils.set_random_seed(seed)
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    # Each worker sees a sample of the images, with repetitions.
    chosen = np.random.default_rng(seed).integers(0, len(images), len(images))
    model.fit(images[chosen], labels[chosen], epochs=10, verbose=0)
    return os.getpid(), model


ray.init(num_cpus=2, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
images, labels = ray.put(x_train), ray.put(y_train)  # stored once for all workers
found = ray.get([train.remote(seed, images, labels) for seed in range(4)])
ray.shutdown()
print(len({process for process, _ in found}), "processes")

# %% [markdown]
# ## Result
#
# The baseline is the mean accuracy of the single networks.

# %%
predictions = np.stack([model.predict(x_test, verbose=0) for _, model in found])
single = np.mean(predictions.argmax(axis=2) == y_test, axis=1)
print("single networks:", ", ".join(f"{accuracy:.1%}" for accuracy in single))
accuracy = np.mean(predictions.mean(axis=0).argmax(axis=1) == y_test)
print(f"accuracy of the ensemble {accuracy:.1%}; mean of the networks {single.mean():.1%}")
assert accuracy >= single.mean()
