"""Runs the code of the guide to the functional API, a Markdown file, block after block.

The environment variable `GUIDE` is the file. The guide leaves out the data, which is supplied, and
shows one block that raises an error.
"""

import os
import re

import numpy as np

COUNT = 96
random = np.random.RandomState(0)
CLASSES = np.eye(10)[random.randint(0, 10, COUNT)]
LABELS = random.randint(0, 2, (COUNT, 1))
# What the first name of a call of `fit` needs.
DATA = {
    "data, labels": {"data": random.rand(COUNT, 784), "labels": CLASSES},
    "headline_data": {
        "headline_data": random.randint(1, 10000, (COUNT, 100)),
        "additional_data": random.rand(COUNT, 5),
        "labels": LABELS,
    },
    "data_a": {"labels": LABELS},
}
RAISES = "lstm.output\n"  # the last line of the block whose error the guide shows

with open(os.environ["GUIDE"]) as guide:
    text = guide.read()
blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
LETTERS = int(re.search(r"tweet_a = Input\(shape=\((\d+), 256\)\)", text)[1])
for name in ("data_a", "data_b"):
    DATA["data_a"][name] = random.rand(COUNT, LETTERS, 256)
names = {}
# Two blocks use names that the guide imports in later ones.
exec("import keras; from keras.layers import Convolution2D, Conv2D", names)
for block in blocks:
    for first, values in DATA.items():
        if re.search(r"\b" + first + r"\b", block):
            names.update(values)
    try:
        exec(block, names)
        raised = False
    except AttributeError:
        raised = True
    assert raised == block.endswith(RAISES), block
