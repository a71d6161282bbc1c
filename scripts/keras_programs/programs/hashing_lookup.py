"""Hashing, HashedCrossing, lookup and encoding layers: strings and integers of a table as numbers

Orders with a customer, a country and an amount; one model reads the encoded columns.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
ROWS = 64
COUNTRIES = rng.choice(["Chile", "Kenya", "Nepal", "Peru"], ROWS)
CUSTOMERS = rng.integers(1000, 1040, ROWS)
AMOUNTS = rng.gamma(2.0, 10.0, ROWS).astype("float32")
RETURNED = ((COUNTRIES == "Peru") ^ (AMOUNTS > 20)).astype("float32")[:, None]


def encode():
    """Returns the columns as arrays of numbers."""
    countries = layers.StringLookup(output_mode="one_hot", num_oov_indices=1)
    countries.adapt(COUNTRIES[:48])
    names = layers.StringLookup(vocabulary=["Peru", "Chile"], oov_token="other")
    customers = layers.IntegerLookup(output_mode="int", num_oov_indices=2, max_tokens=20)
    customers.adapt(CUSTOMERS)
    amounts = layers.Discretization(num_bins=4, output_mode="int")
    amounts.adapt(AMOUNTS)
    bins = np.asarray(amounts(AMOUNTS))
    crossed = layers.HashedCrossing(12, output_mode="one_hot")((COUNTRIES, bins))
    hashed = layers.Hashing(6, salt=[133, 137], output_mode="multi_hot")(COUNTRIES[:, None])
    return {
        "country": np.asarray(countries(COUNTRIES)),
        "customer": np.asarray(customers(CUSTOMERS)),
        "amount": bins,
        "crossed": np.asarray(crossed),
        "hashed": np.asarray(hashed),
        "buckets": np.asarray(layers.Hashing(5)(CUSTOMERS)),
        "named": np.asarray(names(COUNTRIES)),
    }


def build():
    inputs = {
        "country": keras.Input((5,), name="country"),
        "customer": keras.Input((), dtype="int32", name="customer"),
        "amount": keras.Input((), dtype="int32", name="amount"),
        "crossed": keras.Input((12,), name="crossed"),
        "hashed": keras.Input((6,), name="hashed"),
    }
    amount = layers.CategoryEncoding(4, "one_hot")(inputs["amount"])
    customer = layers.Embedding(20, 3)(inputs["customer"])
    columns = [inputs["country"], inputs["crossed"], inputs["hashed"], amount, customer]
    x = layers.Dense(8, "relu")(layers.Concatenate()(columns))
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(x))


def train(model, log):
    columns = encode()
    named = {name: columns[name] for name in model.input}
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["AUC"])
    model.fit(named, RETURNED, 16, 10, shuffle=False, verbose=0, callbacks=[log])
    return columns, model.evaluate(named, RETURNED, verbose=0)
