# %% [markdown]
# # Translation with attention
#
# Dates as people write them become ISO dates: "3 May 1998" is "1998-05-03". An encoder reads the
# characters, a decoder writes them one after the other and attends to the input. Pairs are
# generated; the test has dates that were not seen.

# %%
import datetime

import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
FORMATS = ("%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%b %d %Y", "%A, %d %B %Y")
ALPHABET = " ,-." + "0123456789" + "abcdefghijklmnopqrstuvwxyz" + "<"
LENGTH, START = 28, ALPHABET.index("<")


def encode(texts, length):
    rows = [[ALPHABET.index(char) for char in text.ljust(length)] for text in texts]
    return np.array(rows, "int32")


def dates(count, seed):
    rng = np.random.default_rng(seed)
    first = datetime.date(1950, 1, 1)
    days = [first + datetime.timedelta(int(d)) for d in rng.integers(0, 36_500, count)]
    written = [day.strftime(FORMATS[rng.integers(len(FORMATS))]).lower() for day in days]
    return written, [day.isoformat() for day in days]


written, iso = dates(5000, seed=0)
read, y = encode(written, LENGTH), encode(iso, 10)
# The decoder gets what it should have written before.
shifted = np.concatenate([np.full((len(y), 1), START), y[:, :-1]], axis=1)
print(written[0], "->", iso[0])

# %% [markdown]
# ## The model


# %%
def encoder(tokens):
    x = layers.Embedding(len(ALPHABET), 32)(tokens)
    return layers.Bidirectional(layers.GRU(32, return_sequences=True))(x)


def decoder(tokens, encoded):
    x = layers.Embedding(len(ALPHABET), 32)(tokens)
    state = layers.GRU(64, return_sequences=True)(x)
    x = layers.Attention()([state, encoded])
    return layers.Dense(64, "relu")(layers.Concatenate()([state, x]))


source = cornu.Input((LENGTH,), dtype="int32", name="source")
target = cornu.Input((10,), dtype="int32", name="target")
x = decoder(target, encoder(source))
model = cornu.Model([source, target], layers.Dense(len(ALPHABET))(x), name="translator")
loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(cornu.optimizers.Adam(5e-3), loss, metrics=["accuracy"])
cornu.inspect.plot_model(model, None)

# %%
history = model.fit([read[500:], shifted[500:]], y[500:], batch_size=64, epochs=3, verbose=0)
history

# %% [markdown]
# ## Result
#
# A translation is right if all ten characters are. The decoder now gets what it has written
# itself. The baseline is the most frequent character at each position.


# %%
def translate(rows):
    found = np.full((len(rows), 11), START)
    for position in range(10):
        scores = model.predict_on_batch([rows, found[:, :10]])
        found[:, position + 1] = scores[:, position].argmax(axis=-1)
    return found[:, 1:]


found = translate(read[:500])
for row in range(3):
    print(written[row], "->", "".join(ALPHABET[code] for code in found[row]))
right = np.mean((found == y[:500]).all(axis=1))
frequent = np.array([np.bincount(column).argmax() for column in y.T])
baseline = np.mean(frequent == y[:500])
score = np.mean(found == y[:500])
print(f"right dates {right:.1%}, characters {score:.1%}; most frequent characters {baseline:.1%}")
assert right > 0.8
