"""A training loop of one's own, in plain JAX and optax.

`model.pure()` takes a model apart into arrays and a function of them, which is all that JAX needs:
any loss, any transformation, any optimizer. In the end `model.assign` puts the arrays back, and the
model predicts, is saved and looked at like any other.

It needs optax: pip install optax
"""

import jax
import numpy as np
import optax

import cornu
from cornu import layers


def network(classes=10):
    image = cornu.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, activation="relu")(image)
    x = layers.BatchNormalization(momentum=0.9)(layers.Flatten()(x))
    return cornu.Model(image, layers.Dense(classes)(layers.Dropout(0.2)(x)))


def digits():
    (x, y), (x_test, y_test) = cornu.datasets.digits.load_data()
    scaled = lambda images: images[..., None].astype("float32") / 16  # noqa: E731
    return (scaled(x), y.astype("int32")), (scaled(x_test), y_test)


def main(epochs=5, batch_size=64):
    (x, y), (x_test, y_test) = digits()
    model = network()
    # Two dicts of arrays by path, such as params["dense/kernel"]: those that are trained, and the
    # rest, here the averages of batch normalization.
    params, state, apply = model.pure()
    optimizer = optax.adamw(3e-3)
    slots = optimizer.init(params)

    def loss_of(params, state, x, y, key):
        scores, state = apply(params, state, x, training=True, key=key)
        loss = optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()
        return loss, state

    @jax.jit
    def step(params, state, slots, x, y, key):
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, state), grads = gradient(params, state, x, y, key)
        updates, slots = optimizer.update(grads, slots, params)
        return optax.apply_updates(params, updates), state, slots, loss

    key = jax.random.key(0)
    random = np.random.default_rng(0)
    for epoch in range(epochs):
        order = random.permutation(len(x))
        losses = []
        for start in range(0, len(x) - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            key, now = jax.random.split(key)
            params, state, slots, loss = step(params, state, slots, x[rows], y[rows], now)
            losses.append(loss)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")

    model.assign(params, state)
    accuracy = float((model.predict(x_test).argmax(-1) == y_test).mean())
    print(f"accuracy on digits that it has not seen: {accuracy:.3f}")
    return accuracy


if __name__ == "__main__":
    main()
