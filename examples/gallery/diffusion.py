# %% [markdown]
# # Diffusion
#
# A network learns to remove noise from digits, and then makes new ones from noise alone, of the
# digits that are asked for. The training step of the model is `compute_loss`, which adds noise of
# a random strength to each image. A classifier that was trained on real digits judges the new
# ones.

# %%
import numpy as np

import cornu
from cornu import layers, ops

cornu.utils.set_random_seed(0)
(x_train, y_train), _ = cornu.datasets.digits.load_data()
x_train = x_train.reshape(-1, 64).astype("float32") / 8 - 1
STEPS = 40
signal = np.cos(np.linspace(0.02, 0.98, STEPS) * np.pi / 2).astype("float32")
noise_level = np.sqrt(1 - signal**2)

# %% [markdown]
# ## The model


# %%
def residual(x, condition):
    y = layers.Dense(x.shape[-1], "swish")(layers.LayerNormalization()(x) + condition)
    return x + layers.Dense(x.shape[-1])(y)


def denoiser(width=128):
    noisy = cornu.Input((64,), name="noisy")
    step = cornu.Input((), dtype="int32", name="step")
    digit = cornu.Input((), dtype="int32", name="digit")
    condition = layers.Embedding(STEPS, width)(step) + layers.Embedding(10, width)(digit)
    x = layers.Dense(width)(noisy)
    for _ in range(2):
        x = residual(x, condition)
    return cornu.Model([noisy, step, digit], layers.Dense(64)(x), name="denoiser")


class Diffusion(cornu.Model):
    def __init__(self):
        super().__init__()
        self.denoiser = denoiser()
        self.random = cornu.random.SeedGenerator(0)

    def call(self, inputs):
        return self.denoiser(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        step = cornu.random.randint(ops.shape(y), 0, STEPS, seed=self.random)
        noise = cornu.random.normal(ops.shape(x[0]), seed=self.random)
        mixed = (
            ops.take(signal, step)[:, None] * x[0] + ops.take(noise_level, step)[:, None] * noise
        )
        return ops.mean((self.denoiser([mixed, step, y]) - noise) ** 2)


model = Diffusion()
model.compile(cornu.optimizers.Adam(cornu.optimizers.schedules.CosineDecay(3e-3, 30 * 23)))
history = model.fit(
    [x_train, np.zeros(len(x_train)), y_train], y_train, batch_size=64, epochs=30, verbose=0
)
history.plot()

# %% [markdown]
# ## New digits
#
# From noise, step by step: the network estimates the noise, and the image is mixed with less of
# it.


# %%
def generate(digits, seed=0):
    x = np.random.default_rng(seed).normal(size=(len(digits), 64)).astype("float32")
    for step in reversed(range(STEPS)):
        noise = model.predict_on_batch([x, np.full(len(digits), step), digits])
        image = np.clip((x - noise_level[step] * noise) / signal[step], -1, 1)
        noise = (x - signal[step] * image) / noise_level[step]
        x = signal[step - 1] * image + noise_level[step - 1] * noise if step else image
    return x


digits = np.repeat(np.arange(10), 60)
images = generate(digits)
sheet = images.reshape(10, 60, 8, 8)[:, :6].transpose(1, 2, 0, 3).reshape(48, 80)
cornu.utils.array_to_img(np.kron(sheet, np.ones((4, 4)))[..., None])

# %% [markdown]
# ## Result
#
# How well can a network tell new digits from real ones? 50 % would be perfect. The baseline gives
# each pixel the mean and the variance that it has in the images of the digit.


# %%
def told_apart(made):
    """Returns the accuracy with which a classifier tells made images from real ones."""
    x = np.concatenate([x_train[: len(made)], made])
    y = np.repeat([0, 1], len(made))
    order = np.random.default_rng(0).permutation(len(x))
    train, test = np.split(order, [len(x) * 3 // 4])
    judge = cornu.Sequential([layers.Dense(64, "relu"), layers.Dense(1, "sigmoid")])
    judge.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    judge.fit(x[train], y[train], epochs=20, verbose=0)
    return judge.evaluate(x[test], y[test], verbose=0, return_dict=True)["accuracy"]


rng = np.random.default_rng(0)
moments = [(x_train[y_train == d].mean(axis=0), x_train[y_train == d].std(axis=0)) for d in digits]
pixels = np.array([rng.normal(mean, deviation) for mean, deviation in moments])
# Pixels are whole numbers from 0 to 16.
score, baseline = (told_apart(np.round(x.clip(-1, 1) * 8) / 8) for x in (images, pixels))
print(f"distinguished from real digits {score:.1%}; independent pixels {baseline:.1%}")
assert score < baseline - 0.05
