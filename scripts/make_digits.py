"""Creates cornu/datasets/digits.npz from the digits data set of scikit-learn.

Run it once: `pip install -e '.[data]' && python scripts/make_digits.py`. The file is reproducible
byte for byte. It contains the order and the split, so that all users train and test on the same
images, regardless of their version of NumPy.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "cornu" / "datasets" / "digits.npz"
SEED = 1998
TRAIN = 1437  # 80 % of 1797

bunch = load_digits()
images = bunch.images.astype("uint8")
labels = bunch.target.astype("uint8")
assert images.shape == (1797, 8, 8) and (images == bunch.images).all() and images.max() == 16

order = np.random.Generator(np.random.PCG64(SEED)).permutation(len(images))
images, labels = images[order], labels[order]
np.savez_compressed(
    TARGET,
    x_train=images[:TRAIN],
    y_train=labels[:TRAIN],
    x_test=images[TRAIN:],
    y_test=labels[TRAIN:],
)
print(f"{TARGET}: {TARGET.stat().st_size} bytes, {TRAIN} to train, {len(images) - TRAIN} to test")
