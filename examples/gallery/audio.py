# %% [markdown]
# # Classification of sounds
#
# Four wave forms at random pitches, with noise: sine, triangle, square and sawtooth. They differ
# in their overtones, which a spectrogram shows. `MelSpectrogram` is a layer of the model, which
# therefore takes the samples of a recording.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
RATE, SAMPLES = 8000, 2048
FORMS = {
    "sine": lambda phase: np.sin(2 * np.pi * phase),
    "triangle": lambda phase: 4 * np.abs(phase % 1 - 0.5) - 1,
    "square": lambda phase: np.sign(np.sin(2 * np.pi * phase)),
    "sawtooth": lambda phase: 2 * (phase % 1) - 1,
}


def sounds(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(FORMS), count)
    pitch = 2 ** rng.uniform(np.log2(110), np.log2(440), (count, 1))
    phases = pitch * np.arange(SAMPLES) / RATE + rng.uniform(0, 1, (count, 1))
    forms = list(FORMS.values())
    waves = np.stack([forms[y](phase) for y, phase in zip(labels, phases, strict=True)])
    waves = waves * rng.uniform(0.3, 1, (count, 1)) + rng.normal(0, 0.1, waves.shape)
    return waves.astype("float32"), labels


x_train, y_train = sounds(1500, seed=1)
x_test, y_test = sounds(400, seed=2)

# %% [markdown]
# ## The model


# %%
def conv_pool(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D()(x)


wave = cornu.Input((SAMPLES,), name="wave")
x = layers.MelSpectrogram(
    fft_length=512, sequence_stride=256, sampling_rate=RATE, num_mel_bins=48, max_freq=4000
)(wave)
x = layers.Rescaling(1 / 40)(layers.Reshape((*x.shape[1:], 1))(x))
x = layers.Flatten()(conv_pool(conv_pool(x, 8), 16))
model = cornu.Model(wave, layers.Dense(len(FORMS), "softmax", name="form")(x), name="sounds")
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, epochs=6, batch_size=32, validation_data=(x_test, y_test), verbose=0
)
history.plot("accuracy")

# %% [markdown]
# ## Result
#
# The baseline is a network of the same samples without the spectrogram.

# %%
plain = cornu.Sequential([layers.Dense(64, "relu"), layers.Dense(len(FORMS), "softmax")])
plain.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
plain.fit(x_train, y_train, epochs=6, batch_size=32, verbose=0)
baseline = plain.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
predicted = model.predict(x_test, verbose=0).argmax(axis=1)
for label, name in enumerate(FORMS):
    print(f"{name}: {np.mean(predicted[y_test == label] == label):.0%}")
accuracy = np.mean(predicted == y_test)
print(f"accuracy {accuracy:.1%}; dense layers on the samples {baseline:.1%}")
assert accuracy > baseline + 0.2
