# %% [markdown]
# # Several tasks: what is it, and where?
#
# One network finds a digit in a larger image, says which one it is, and where: two outputs with a
# loss each, by name. The tasks share their features. Boxes have a fixed size here, so that the
# place is a center.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
SIZE = 16


def scenes(data, count, seed):
    """Returns images with one digit in noise, and the digit and its center for each."""
    images, digits = data
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 0.3, (count, SIZE, SIZE)).astype("float32")
    chosen = rng.integers(0, len(images), count)
    corners = rng.integers(0, SIZE - 7, (count, 2))
    for scene, index, (top, left) in zip(x, chosen, corners, strict=True):
        scene[top : top + 8, left : left + 8] += images[index] / 16
    return x, {"digit": digits[chosen], "center": ((corners + 4) / SIZE).astype("float32")}


train, test = cornu.datasets.digits.load_data()
x_train, y_train = scenes(train, 2500, seed=1)
x_test, y_test = scenes(test, 500, seed=2)

# %% [markdown]
# ## The model


# %%
def conv(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def digit_head(x):
    x = layers.GlobalMaxPooling2D()(conv(layers.MaxPooling2D()(x), 64))
    return layers.Dense(10, "softmax", name="digit")(x)


def center_head(x):
    x = layers.Dense(32, "relu")(layers.Flatten()(layers.MaxPooling2D()(x)))
    return layers.Dense(2, "sigmoid", name="center")(x)


image = cornu.Input((SIZE, SIZE), name="image")
x = layers.Reshape((SIZE, SIZE, 1))(image)
x = conv(layers.MaxPooling2D()(conv(x, 12)), 24)
outputs = {"digit": digit_head(x), "center": center_head(x)}
model = cornu.Model(image, outputs, name="finder")
model.compile(
    cornu.optimizers.Adam(3e-3),
    loss={"digit": "sparse_categorical_crossentropy", "center": "mse"},
    loss_weights={"digit": 1.0, "center": 5.0},
    metrics={"digit": "accuracy", "center": "mae"},
)
cornu.inspect.plot_model(model, None)

# %%
history = model.fit(
    x_train, y_train, batch_size=64, epochs=5, validation_data=(x_test, y_test), verbose=0
)
history.plot(["digit_accuracy", "center_mae"])

# %% [markdown]
# ## Result
#
# The baselines are the most frequent digit, and the middle of the image.

# %%
found = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
middle = SIZE * np.abs(y_test["center"] - 0.5).mean()
frequent = np.bincount(y_test["digit"]).max() / len(x_test)
accuracy, error = found["digit_accuracy"], SIZE * found["center_mae"]
print(
    f"accuracy {accuracy:.1%}, center within {error:.1f} pixels; "
    f"most frequent digit {frequent:.1%}, middle of the image {middle:.1f}"
)
assert accuracy > 0.75 and error < middle / 3
