# %% [markdown]
# # Similarity by a siamese network
#
# Do two images show the same digit? One encoder is called on both, and the distance of its outputs
# is trained with a contrastive loss. Afterwards one image of each digit is enough to recognize new
# ones: the nearest image decides.

# %%
import numpy as np

import cornu
from cornu import layers, ops

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))


def pairs(images, labels, count, seed):
    """Returns two arrays of images, and 1 for each pair of the same digit: half of the pairs."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == digit) for digit in range(10)]
    same = np.arange(count) % 2
    first = rng.integers(0, 10, count)
    second = np.where(same, first, (first + rng.integers(1, 10, count)) % 10)
    left, right = ([rng.choice(members[digit]) for digit in part] for part in (first, second))
    return (images[left], images[right]), same.astype("float32")


train, same = pairs(x_train, y_train, 4000, seed=1)
test, test_same = pairs(x_test, y_test, 1000, seed=2)

# %% [markdown]
# ## The model
#
# `encoder` is a model that is called twice, with one set of weights. The distance is a function of
# `cornu.ops` in the graph.


# %%
def conv_relu(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def encoder():
    image = cornu.Input((8, 8))
    x = conv_relu(layers.Reshape((8, 8, 1))(image), 16)
    x = conv_relu(layers.MaxPooling2D()(x), 32)
    x = layers.Dense(16)(layers.Flatten()(layers.MaxPooling2D()(x)))
    return cornu.Model(image, layers.UnitNormalization()(x), name="encoder")


def distance(a, b):
    return ops.sqrt(ops.sum(ops.square(a - b), axis=-1) + 1e-6)


def contrastive(same, distance):
    far = ops.square(ops.maximum(1.0 - distance, 0))
    return ops.mean(same * ops.square(distance) + (1 - same) * far)


encode = encoder()
left, right = cornu.Input((8, 8), name="left"), cornu.Input((8, 8), name="right")
model = cornu.Model([left, right], distance(encode(left), encode(right)), name="siamese")
model.compile(cornu.optimizers.Adam(2e-3), contrastive)
cornu.inspect.plot_model(model, None, show_shapes=True)

# %%
history = model.fit(train, same, batch_size=64, epochs=6, verbose=0)
history

# %% [markdown]
# ## Result
#
# One image of each digit, of the training data, is compared with all test images. The baseline
# compares the pixels.


# %%
def one_shot(features, examples):
    """Returns the part of test images whose nearest example shows the same digit."""
    gaps = np.linalg.norm(features[:, None] - examples, axis=-1)
    return np.mean(gaps.argmin(axis=1) == y_test)


chosen = [np.flatnonzero(y_train == digit)[0] for digit in range(10)]
accuracy = one_shot(encode.predict(x_test, verbose=0), encode.predict(x_train[chosen], verbose=0))
baseline = one_shot(x_test.reshape(-1, 64), x_train[chosen].reshape(-1, 64))
gaps = model.predict(test, verbose=0)
equal, other = gaps[test_same == 1].mean(), gaps[test_same == 0].mean()
print(f"distance of equal digits {equal:.2f}, of others {other:.2f}")
print(f"one-shot accuracy {accuracy:.1%}; by pixels {baseline:.1%}")
assert accuracy > baseline + 0.2
