"""`keras.distillation`: a Distiller with losses of logits and of features, and a loss of one's own

A small student learns from a larger teacher, and is used without it afterwards.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 4, 60)
X = (rng.normal(size=(4, 10))[LABELS] + rng.normal(0, 1.0, (60, 10))).astype("float32")


class ConfidenceLoss(keras.distillation.DistillationLoss):
    """The squared difference of the largest logits."""

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        gap = ops.max(teacher_outputs, axis=-1) - ops.max(student_outputs, axis=-1)
        return ops.mean(ops.square(gap))


def classifier(width, name):
    x = keras.Input((10,))
    y = layers.Dense(width, "relu")(x)
    y = layers.Dense(5, "tanh", name="features")(y)
    return keras.Model(x, layers.Dense(4)(y), name=name)


def build():
    return classifier(32, "teacher"), classifier(6, "student")


def train(teacher, student, log):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    options = dict(batch_size=20, shuffle=False, verbose=0, callbacks=[log])
    teacher.compile(keras.optimizers.Adam(0.02), loss)
    teacher.fit(X, LABELS, epochs=4, **options)
    distiller = keras.distillation.Distiller(
        teacher,
        student,
        [
            keras.distillation.LogitsDistillation(2.0, keras.losses.KLDivergence()),
            keras.distillation.FeatureDistillation("mse", "features", "features"),
            ConfidenceLoss(),
        ],
        distillation_loss_weights=[1.0, 0.5, 0.01],
        student_loss_weight=0.4,
    )
    distiller.compile(keras.optimizers.Adam(0.02), loss, metrics=["sparse_categorical_accuracy"])
    history = distiller.fit(X, LABELS, epochs=8, **options).history
    accuracy = float(np.mean(student.predict(X, verbose=0).argmax(-1) == LABELS))
    frozen = len(distiller.teacher.trainable_variables)
    return frozen, accuracy, history["sparse_categorical_accuracy"], student.predict(X, verbose=0)
