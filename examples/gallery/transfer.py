# %% [markdown]
# # Transfer learning
#
# A network was trained on clean scans of digits. Now they come from a camera: shifted, pale and
# noisy, and only five images of each digit have labels. The network is fine-tuned on these, with
# learning rates that decrease from the last layer to the first: the first ones know the most that
# is still true.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))


def camera(images, seed):
    noise = np.random.default_rng(seed).normal(0, 0.2, images.shape)
    return (0.2 + 0.7 * np.roll(images, 1, axis=2) + noise).astype("float32")


few = np.concatenate([np.flatnonzero(y_train == digit)[:5] for digit in range(10)])
x_few, y_few, x_camera = camera(x_train[few], 1), y_train[few], camera(x_test, 2)

# %% [markdown]
# ## The network of clean scans


# %%
def conv_unit(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def make_model():
    image = cornu.Input((8, 8), name="image")
    x = conv_unit(conv_unit(layers.Reshape((8, 8, 1))(image), 16), 32)
    x = conv_unit(layers.MaxPooling2D()(x), 32)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    return cornu.Model(image, layers.Dense(10, "softmax", name="head")(x), name="digits")


def train(model, x, y, epochs, rate=2e-3, decay=None):
    model.compile(cornu.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    if decay is not None:
        model.optimizer.set_rates(cornu.inspect.layer_decay(model, decay))
    model.fit(x, y, epochs=epochs, verbose=0)


def accuracy_of(model):
    return np.mean(model.predict(x_camera, verbose=0).argmax(axis=1) == y_test)


model = make_model()
train(model, x_train, y_train, epochs=8)
as_it_is = accuracy_of(model)

# %% [markdown]
# ## Fine-tuning
#
# `layer_decay` gives the last layer the whole rate, and each layer before it 0.8 times that of the
# next.

# %%
train(model, x_few, y_few, epochs=40, rate=1e-3, decay=0.8)
model.summary(rates=True)

# %% [markdown]
# ## Result
#
# The baselines are the network of the scans as it is, and a new network that is trained on the
# same 50 images.

# %%
scratch = make_model()
train(scratch, x_few, y_few, epochs=60)
accuracy, baseline = accuracy_of(model), accuracy_of(scratch)
print(f"accuracy {accuracy:.1%}; from scratch {baseline:.1%}, not adapted {as_it_is:.1%}")
assert accuracy > max(baseline, as_it_is) + 0.03
