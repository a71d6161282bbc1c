"""Trains a network of the last commit of keras-resnet on pictures of the size of CIFAR-10.

The environment variable `RELATIVE_CHANGE` changes the pictures, to see how rounding grows.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.environ["ORIGINALS"], "keras_resnet_last"))

import resnet  # noqa: E402  # the program

random = np.random.RandomState(0)
model = resnet.ResnetBuilder.build_resnet_18((3, 32, 32), 10)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
x, y = random.rand(96, 32, 32, 3), np.eye(10)[random.randint(0, 10, 96)]
x *= 1 + float(os.environ.get("RELATIVE_CHANGE", 0))
model.fit(x, y, batch_size=32, epochs=1)
