"""A model that holds two models: a frozen teacher, `compute_loss` with both, KLDivergence

A small student learns from the probabilities of a larger teacher.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 5, 64)
X = (rng.normal(size=(5, 12))[LABELS] + rng.normal(0, 1.2, (64, 12))).astype("float32")


class Distiller(keras.Model):
    def __init__(self, teacher, student, **kwargs):
        super().__init__(**kwargs)
        self.teacher, self.student = teacher, student
        self.teacher.trainable = False

    def compile(self, student_loss, distillation_loss, alpha, temperature, **kwargs):
        super().compile(**kwargs)
        self.student_loss, self.distillation_loss = student_loss, distillation_loss
        self.alpha, self.temperature = alpha, temperature

    def call(self, x, training=None):
        return self.student(x, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        soft_teacher = ops.softmax(self.teacher(x, training=False) / self.temperature)
        soft_student = ops.softmax(y_pred / self.temperature)
        distillation = self.distillation_loss(soft_teacher, soft_student) * self.temperature**2
        return self.alpha * self.student_loss(y, y_pred) + (1 - self.alpha) * distillation


def build():
    teacher = keras.Sequential(
        [keras.Input((12,)), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(5)]
    )
    student = keras.Sequential([keras.Input((12,)), layers.Dense(6, "relu6"), layers.Dense(5)])
    model = Distiller(teacher, student)
    model.build((None, 12))
    return model


def train(model, log):
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher = model.teacher
    teacher.trainable = True
    teacher.compile("adam", cross_entropy)
    teacher.fit(X, LABELS, batch_size=32, epochs=3, shuffle=False, verbose=0, callbacks=[log])
    teacher.trainable = False
    before = teacher.get_weights()
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        student_loss=cross_entropy,
        distillation_loss=keras.losses.KLDivergence(),
        alpha=0.2,
        temperature=3.0,
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    model.fit(X, LABELS, batch_size=32, epochs=9, shuffle=False, verbose=0, callbacks=[log])
    moved = sum(float(np.abs(a - b).sum()) for a, b in zip(before, teacher.get_weights()))
    return moved, model.evaluate(X, LABELS, verbose=0), len(model.trainable_variables)
