"""Sparse data: `Input(sparse=True)`, sparse arrays of SciPy in `fit`, and of JAX in single steps

Bags of words over a large vocabulary, and shopping baskets of items.
"""

import keras
import numpy as np
import scipy.sparse
from jax.experimental.sparse import BCOO
from keras import layers, ops

WORDS, ITEMS = 2000, 40
rng = np.random.default_rng(0)
BAGS = scipy.sparse.random(60, WORDS, 0.01, "csr", random_state=0, dtype=np.float32)
LABELS = (np.asarray(BAGS[:, :100].sum(1))[:, 0] > np.asarray(BAGS[:, 100:200].sum(1))[:, 0]) * 1.0
BASKETS = rng.integers(0, ITEMS, (60, 6))


def build():
    bag = keras.Input((WORDS,), sparse=True)
    hidden = layers.Dense(8, "relu", kernel_regularizer="l2")(bag)
    texts = keras.Model(bag, layers.Dense(1, "sigmoid")(hidden))
    basket = keras.Input((ITEMS,), sparse=True)
    prices = keras.Model(basket, layers.Dense(1, use_bias=False)(basket))
    return texts, prices


def train(texts, prices, log):
    texts.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    options = dict(shuffle=False, verbose=0, callbacks=[log])
    texts.fit(BAGS, LABELS, batch_size=20, epochs=6, **options)
    scores = texts.predict(BAGS, batch_size=20, verbose=0)

    rows = np.repeat(np.arange(60), 6)
    numbers = scipy.sparse.coo_array(
        (np.ones(360, "float32"), (rows, BASKETS.ravel())), (60, ITEMS)
    )
    counts = BCOO.from_scipy_sparse(numbers.tocsr().tocoo())
    total = BASKETS.sum(1, keepdims=True) / 10
    prices.compile(keras.optimizers.SGD(0.05), "mse")
    for _ in range(4):
        log(prices.train_on_batch(counts, total))
    dense = ops.convert_to_numpy(counts.todense())
    return scores, texts.evaluate(BAGS, LABELS, batch_size=20, verbose=0), dense[:4]
