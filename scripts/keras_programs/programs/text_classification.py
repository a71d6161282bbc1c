"""TextVectorization with n-grams, adapted to strings; masks to pooling, and class weights

Sentences made of templates are classified; a model that includes the vectorization predicts from
strings.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
GOOD, BAD = ["great", "lovely", "fine fun"], ["dull", "awful", "a bore"]
NOUNS = ["film", "book", "play", "show"]


def sentence(is_good):
    words = GOOD if is_good else BAD
    ends = ["!", ".", " -- really.", ""]
    return f"The {rng.choice(NOUNS)} was {rng.choice(words)}{rng.choice(ends)}"


LABELS = (rng.uniform(size=48) < 0.7).astype("int32")
TEXTS = np.array([sentence(label) for label in LABELS])


def build():
    tokens = keras.Input((None,), dtype="int64")
    x = layers.Embedding(60, 8, mask_zero=True)(tokens)
    x = layers.SpatialDropout1D(0.0)(x)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(8, "relu", kernel_constraint=keras.constraints.MaxNorm(2.0))(x)
    return keras.Model(tokens, layers.Dense(1, "sigmoid")(x))


def train(model, log):
    vectorize = layers.TextVectorization(
        max_tokens=60, ngrams=2, output_mode="int", output_sequence_length=10
    )
    vectorize.adapt(TEXTS)
    tokens = ops.convert_to_numpy(vectorize(TEXTS))
    model.compile(
        optimizer=keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.01),
        loss=keras.losses.BinaryFocalCrossentropy(gamma=1.5),
        metrics=[
            "accuracy",
            keras.metrics.AUC(num_thresholds=20),
            keras.metrics.F1Score(threshold=0.5),
        ],
    )
    model.fit(
        tokens,
        LABELS[:, None].astype("float32"),
        batch_size=16,
        epochs=10,
        shuffle=False,
        class_weight={0: 2.0, 1: 1.0},
        verbose=0,
        callbacks=[log],
    )
    counts = layers.TextVectorization(output_mode="tf_idf", max_tokens=20)
    counts.adapt(TEXTS)
    fresh = np.array(["the play was awful .", "A great great show"])
    return {
        "vocabulary": len(vectorize.get_vocabulary()),
        "tokens": tokens,
        "scores": model.predict(vectorize(fresh), verbose=0),
        "logs": model.evaluate(tokens, LABELS[:, None].astype("float32"), verbose=0),
        "tf_idf": ops.convert_to_numpy(counts(fresh)),
    }
