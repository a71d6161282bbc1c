"""Embeddings with constraints and regularizers, Dot, lookups of strings, and a ranking metric

Users and films by latent factors; the model also ranks all films for a user.
"""

import keras
import numpy as np
from keras import layers, ops

USERS, FILMS, FACTORS = 12, 15, 4
rng = np.random.default_rng(0)
TASTE, STYLE = rng.normal(size=(USERS, 2)), rng.normal(size=(FILMS, 2))
PAIRS = rng.integers(0, [USERS, FILMS], (150, 2))
RATINGS = (TASTE[PAIRS[:, 0]] * STYLE[PAIRS[:, 1]]).sum(1) + rng.normal(0, 0.1, 150) + 3
RATINGS = RATINGS.astype("float32")[:, None]
NAMES = np.array([f"film {index}" for index in range(FILMS)])


def build():
    user = keras.Input((), dtype="int32", name="user")
    film = keras.Input((), dtype="int32", name="film")
    options = dict(embeddings_regularizer=keras.regularizers.L2(1e-3))
    u = layers.Embedding(USERS, FACTORS, embeddings_constraint="non_neg", **options)(user)
    f = layers.Embedding(FILMS + 1, FACTORS, embeddings_constraint="unit_norm", **options)(film)
    similarity = layers.Dot(axes=-1)([u, f])
    cosine = layers.Dot(axes=1, normalize=True)([u, f])
    biases = [layers.Embedding(n, 1, embeddings_initializer="zeros") for n in (USERS, FILMS + 1)]
    total = layers.Add()([similarity, biases[0](user), biases[1](film)])
    stretched = layers.Lambda(lambda x: 5 * ops.sigmoid(x))(total)
    return keras.Model([user, film], layers.Average()([stretched, stretched + cosine]))


def train(model, log):
    lookup = layers.StringLookup(vocabulary=NAMES, num_oov_indices=1)
    films = np.asarray(lookup(NAMES[PAIRS[:, 1]]))
    model.compile(
        keras.optimizers.Adagrad(0.3), keras.losses.MeanSquaredError(), metrics=["mse", "msle"]
    )
    data = {"user": PAIRS[:, 0], "film": films}
    model.fit(data, RATINGS, batch_size=50, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    everything = np.asarray(lookup(NAMES))
    ranked = []
    for user in range(3):
        scores = model.predict(
            {"user": np.full(FILMS, user), "film": everything}, batch_size=FILMS, verbose=0
        )
        ranked.append(np.argsort(-scores[:, 0])[:5])
    return films, np.stack(ranked), model.evaluate(data, RATINGS, verbose=0)
