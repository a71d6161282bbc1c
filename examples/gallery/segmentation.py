# %% [markdown]
# # Segmentation by a U-Net
#
# Which pixels belong to an even digit, and which to an odd one? Scenes of two digits and noise are
# composed from the shipped images. Brightness tells digits from the background, but only the shape
# tells even from odd, so that the network needs to see more than a pixel. `down` and `up` are
# blocks of the model; `up` gets the features of the way down.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
CLASSES = ("background", "even", "odd")


def scenes(data, count, seed):
    """Returns images of 16x16 pixels with two digits, and the class of each pixel."""
    images, digits = data
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 0.4, (count, 16, 16)).astype("float32")
    y = np.zeros((count, 16, 16), "int32")
    for scene, classes in zip(x, y, strict=True):
        for left in (0, 8):
            index, top = rng.integers(len(images)), rng.integers(0, 9)
            ink = images[index] / 16
            place = np.s_[top : top + 8, left : left + 8]
            scene[place] = np.maximum(scene[place], ink)
            classes[place] = np.where(ink > 0.4, 1 + digits[index] % 2, 0)
    return x, y


train, test = cornu.datasets.digits.load_data()
x_train, y_train = scenes(train, 1500, seed=1)
x_test, y_test = scenes(test, 400, seed=2)

# %% [markdown]
# ## The model


# %%
def conv(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def down(x, filters):
    return conv(layers.MaxPooling2D()(x), filters)


def up(x, skipped, filters):
    x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
    return conv(layers.Concatenate()([x, skipped]), filters)


image = cornu.Input((16, 16), name="image")
first = conv(layers.Reshape((16, 16, 1))(image), 12)
second = down(first, 24)
third = down(second, 32)
x = up(up(third, second, 24), first, 12)
model = cornu.Model(
    image, layers.Conv2D(3, 1, activation="softmax", name="classes")(x), name="unet"
)
model.compile(cornu.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
cornu.inspect.plot_model(model, None, depth=1)

# %%
history = model.fit(x_train, y_train, batch_size=32, epochs=4, verbose=0)
history

# %% [markdown]
# Five scenes; below them, the predicted classes: even digits are gray, odd ones white.

# %%
found = model.predict(x_test, verbose=0).argmax(axis=-1)
rows = [np.hstack(list(x_test[:5])), np.hstack(list(found[:5] / 2))]
cornu.utils.array_to_img(np.kron(np.vstack(rows), np.ones((6, 6)))[..., None])

# %% [markdown]
# ## Result
#
# The intersection over union is the number of pixels of a class that were found, divided by those
# that are of the class or were predicted. The baseline takes every bright pixel for the more
# frequent class of digits.


# %%
def intersection_over_union(found, name):
    a, b = found == CLASSES.index(name), y_test == CLASSES.index(name)
    return (a & b).sum() / (a | b).sum()


bright = np.where(x_test > 0.4, np.bincount(y_test.ravel())[1:].argmax() + 1, 0)
for name in CLASSES:
    print(f"{name}: {intersection_over_union(found, name):.2f}")
score, baseline = (
    np.mean([intersection_over_union(maps, name) for name in CLASSES]) for maps in (found, bright)
)
print(f"mean intersection over union {score:.2f}; by brightness {baseline:.2f}")
assert score > baseline + 0.1
