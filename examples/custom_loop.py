"""A custom training loop in plain JAX and optax.

`model.pure()` separates a model into arrays and a pure function, which works with any loss,
transformation and optimizer of JAX. After training, `model.assign` writes the arrays back to the
model, which can then predict and be saved as usual.

The example requires optax: pip install optax
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
    # Two dicts of arrays by weight path, such as params["dense/kernel"]: the trainable variables,
    # and all others, here the moving averages of batch normalization.
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
            key, step_key = jax.random.split(key)
            params, state, slots, loss = step(params, state, slots, x[rows], y[rows], step_key)
            losses.append(loss)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")

    model.assign(params, state)
    accuracy = float((model.predict(x_test).argmax(-1) == y_test).mean())
    print(f"test accuracy: {accuracy:.3f}")
    return accuracy


if __name__ == "__main__":
    main()
