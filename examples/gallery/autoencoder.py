# %% [markdown]
# # A variational autoencoder
#
# Digits are compressed to two numbers and generated from them again. A layer of the program samples
# the point from the distribution that the encoder computes and adds the Kullback-Leibler
# divergence to the loss; the model is trained with `compile` and `fit`. Encoder and decoder are
# models of their own.

# %%
import numpy as np

import cornu
from cornu import layers, ops

cornu.utils.set_random_seed(0)
(x_train, _), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x_train, x_test))


class Sampling(layers.Layer):
    """Samples from the normal distribution with a given mean and logarithm of the variance."""

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.random = cornu.random.SeedGenerator()

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        kl = 0.5 * ops.sum(mean**2 + ops.exp(log_variance) - 1 - log_variance, axis=-1)
        self.add_loss(self.weight * ops.mean(kl))
        if not training:
            return mean
        noise = cornu.random.normal(ops.shape(mean), seed=self.random)
        return mean + ops.exp(log_variance / 2) * noise


# %% [markdown]
# ## The models


# %%
def dense_units(x, *sizes):
    for size in sizes:
        x = layers.Dense(size, "relu")(x)
    return x


def encoder():
    image = cornu.Input((64,), name="image")
    x = dense_units(image, 128, 64)
    # The loss is a mean over 64 pixels: the divergence gets the same scale.
    point = Sampling(0.5 / 64)([layers.Dense(2)(x), layers.Dense(2)(x)])
    return cornu.Model(image, point, name="encoder")


def decoder():
    point = cornu.Input((2,), name="point")
    x = dense_units(point, 64, 128)
    return cornu.Model(point, layers.Dense(64, "sigmoid")(x), name="decoder")


encode, decode = encoder(), decoder()
image = cornu.Input((64,), name="image")
model = cornu.Model(image, decode(encode(image)), name="autoencoder")
model.compile(cornu.optimizers.Adam(3e-3), "binary_crossentropy")
cornu.inspect.plot_model(model, None, expand_nested=True)

# %%
history = model.fit(
    x_train, x_train, batch_size=64, epochs=60, validation_data=(x_test, x_test), verbose=0
)
history.plot()

# %% [markdown]
# ## Images from points
#
# The decoder draws a grid of points; similar digits are neighbors.

# %%
grid = np.stack(np.meshgrid(np.linspace(-2, 2, 12), np.linspace(2, -2, 8)), axis=-1)
images = decode.predict(grid.reshape(-1, 2), verbose=0).reshape(8, 12, 8, 8)
sheet = images.transpose(0, 2, 1, 3).reshape(64, 96)
cornu.utils.array_to_img(np.kron(sheet, np.ones((4, 4)))[..., None])

# %% [markdown]
# ## Result
#
# The baseline compresses to two numbers as well: the first two principal components.

# %%
mean = x_train.mean(axis=0)
components = np.linalg.svd(x_train - mean, full_matrices=False)[2][:2]
restored = mean + (x_test - mean) @ components.T @ components
baseline = np.mean((restored - x_test) ** 2)
error = np.mean((model.predict(x_test, verbose=0) - x_test) ** 2)
print(f"squared error {error:.4f}; principal components {baseline:.4f}")
assert error < 0.85 * baseline
