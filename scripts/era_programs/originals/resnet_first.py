"""Trains the network of the first commit of keras-resnet, whose program only builds it."""

import os
import sys
import types

import numpy as np

folder = os.path.join(os.environ["ORIGINALS"], "keras_resnet_first")
if "cornu" in sys.modules:
    from pathlib import Path

    from cornu.dialects.python2 import install_finder

    install_finder(Path(folder))
else:
    folder = os.environ["IN_PYTHON_3"]
    # Keras 1 requires it; nothing is plotted here.
    sys.modules["pydot"] = pydot = types.ModuleType("pydot")
    pydot.find_graphviz = lambda: True
sys.path.insert(0, folder)

import resnet  # noqa: E402  # the program

random = np.random.RandomState(0)
model = resnet.resnet()
model.compile(loss="categorical_crossentropy", optimizer="sgd")
x, y = random.rand(2, 3, 224, 224), np.eye(1000)[[3, 500]]
for _ in range(3):
    model.train_on_batch(x, y)
