"""Models with inputs of strings: a classifier of texts, and one of the rows of a table.

Both are trained, saved and loaded as one model that accepts strings. cornu runs the layers that
need strings on the host, as the last step of reading the data, and compiles the rest.
"""

import os
import tempfile

import numpy as np

import cornu
from cornu import layers

GOOD, BAD = "great lovely warm bright happy".split(), "awful cold boring broken sad".split()
COMMON = "the a film was quite and very it".split()


def reviews(count, seed):
    """Returns texts, and 1 for each text with more good words than bad ones."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    texts = [
        " ".join([*rng.choice(COMMON, rng.integers(4, 12)), *rng.choice(GOOD if y else BAD, 2)])
        for y in labels
    ]
    return texts, labels.astype("float32")


def text_classifier(texts):
    vectorize = layers.TextVectorization(output_sequence_length=16)
    vectorize.adapt(texts)
    text = cornu.Input((), dtype="string", name="text")
    x = layers.Embedding(vectorize.vocabulary_size(), 16, mask_zero=True)(vectorize(text))
    x = layers.GRU(16)(x)
    return cornu.Model(text, layers.Dense(1, activation="sigmoid")(x))


def customers(count, seed):
    """Returns a table of customers, and 1 for each who is likely to buy."""
    rng = np.random.default_rng(seed)
    table = {
        "city": rng.choice(["Rome", "Oslo", "Lima"], count),
        "product": rng.choice(["tea", "coffee", "water"], count),
        "age": rng.uniform(18, 80, count).astype("float32"),
    }
    likes = (table["city"] == "Rome") & (table["product"] == "coffee") | (table["age"] > 60)
    return table, likes.astype("float32")


def table_classifier(table):
    features = cornu.utils.FeatureSpace(
        {
            "city": "string_categorical",
            "product": "string_categorical",
            "age": "float_normalized",
        },
        crosses=[("city", "product")],
    )
    features.adapt(table)
    x = layers.Dense(16, activation="relu")(features.get_encoded_features())
    return cornu.Model(features.get_inputs(), layers.Dense(1, activation="sigmoid")(x))


def train(model, data, labels, epochs):
    """Trains, saves and loads a model; returns the loaded one."""
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(data, labels, epochs=epochs, validation_split=0.2, verbose=2)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        loaded = cornu.models.load_model(path)
    np.testing.assert_array_equal(loaded.predict(data, verbose=0), model.predict(data, verbose=0))
    return loaded


def main(count=512, epochs=8):
    cornu.utils.set_random_seed(0)
    texts, labels = reviews(count, seed=1)
    reader = train(text_classifier(texts), texts, labels, epochs)
    print("a lovely and warm film:", reader.predict(["a lovely and warm film"], verbose=0)[0])
    table, likes = customers(count, seed=2)
    seller = train(table_classifier(table), table, likes, epochs)
    someone = {"city": ["Rome"], "product": ["coffee"], "age": [30.0]}
    print(someone, seller.predict(someone, verbose=0)[0])


if __name__ == "__main__":
    main()
