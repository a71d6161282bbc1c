"""Two models that learn from each other: one draws digits, the other tells them from real ones.

The training step is written as if it simply changed things: gradients by `cornu.value_and_grad`,
an optimizer for each of the two models, a metric. cornu compiles the whole of it.
"""

import numpy as np

import cornu
from cornu import layers, ops


def drawer(size):
    """Makes a picture from `size` random numbers."""
    noise = cornu.Input((size,))
    x = layers.Dense(128, activation="leaky_relu")(noise)
    x = layers.Dense(128, activation="leaky_relu")(layers.BatchNormalization()(x))
    return cornu.Model(noise, layers.Dense(64, activation="sigmoid")(x), name="drawer")


def judge():
    """Says how real a picture looks: a number above 0 for real, below for drawn."""
    image = cornu.Input((64,))
    x = layers.Dense(128, activation="leaky_relu")(image)
    x = layers.Dropout(0.3)(x)
    return cornu.Model(image, layers.Dense(1)(x), name="judge")


class Forgery(cornu.Model):
    """A model that only trains: it has a `train_step`, and no `call`."""

    def __init__(self, size=16):
        super().__init__()
        self.size = size
        self.drawer, self.judge = drawer(size), judge()
        self.fooled = cornu.metrics.Mean(name="fooled")
        self.random = cornu.random.SeedGenerator()

    def compile(self, drawing, judging):  # type: ignore[override]
        super().compile(loss=cornu.losses.BinaryCrossentropy(from_logits=True))
        self.drawing, self.judging = drawing, judging

    def draw(self, rows, training=False):
        noise = cornu.random.normal((rows, self.size), seed=self.random)
        return self.drawer(noise, training=training)

    def train_step(self, data):
        real, _, _ = data
        rows = len(real)
        distance = self.loss
        yes, no = ops.ones((rows, 1)), ops.zeros((rows, 1))

        def judges_loss():
            drawn = self.draw(rows, training=True)
            # A little less than sure of real ones, which keeps it from being too sure.
            return distance(0.9 * yes, self.judge(real, training=True)) + distance(
                no, self.judge(drawn, training=True)
            )

        weights = self.judge.trainable_variables
        judged, grads = cornu.value_and_grad(judges_loss, weights)()
        self.judging.apply(grads, weights)

        def drawers_loss():
            scores = self.judge(self.draw(rows, training=True), training=True)
            return distance(yes, scores), scores

        weights = self.drawer.trainable_variables
        (drawn, scores), grads = cornu.value_and_grad(drawers_loss, weights, has_aux=True)()
        self.drawing.apply(grads, weights)
        self.fooled.update_state(scores > 0)
        return {"judge": judged, "drawer": drawn, "fooled": self.fooled.result()}


def shown(image):
    """A picture in letters, a digit of 8 x 8."""
    rows = np.asarray(image).reshape(8, 8)
    return ["".join(" .:-=+*#@"[int(value * 8.99)] for value in row) for row in rows]


def main(epochs=150):
    cornu.utils.set_random_seed(0)
    (images, _), _ = cornu.datasets.digits.load_data()
    images = images.reshape(-1, 64).astype("float32") / 16
    model = Forgery()
    adam = lambda: cornu.optimizers.Adam(1e-3, beta_1=0.5)  # noqa: E731
    model.compile(drawing=adam(), judging=adam())
    history = model.fit(images, batch_size=64, epochs=epochs, verbose=0).history
    for name, values in history.items():
        print(f"{name}: {values[0]:.2f} at first, {values[-1]:.2f} at last")
    drawn = np.asarray(model.draw(6))
    for lines in zip(*map(shown, drawn), strict=True):
        print("  ".join(lines))
    return drawn, images


if __name__ == "__main__":
    main()
