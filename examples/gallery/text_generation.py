# %% [markdown]
# # A language model of characters
#
# A Transformer learns to continue text, character by character: the documentation of the Python
# language, which ships with Python. A decoder block is a function that is called in a loop; equal
# blocks are traced once.

# %%
import pydoc_data.topics

import numpy as np

import cornu
from cornu import layers, ops

cornu.utils.set_random_seed(0)
CONTEXT, WIDTH = 32, 64
text = "\n".join(pydoc_data.topics.topics.values())
text = "".join(char for char in text.lower() if char.isascii())[:120_000]
alphabet = sorted(set(text))
codes = np.array([alphabet.index(char) for char in text])
rows = codes[: len(codes) // (CONTEXT + 1) * (CONTEXT + 1)].reshape(-1, CONTEXT + 1)
train, test = rows[:-500], rows[-500:]
print(len(text), "characters, an alphabet of", len(alphabet))

# %% [markdown]
# ## The model


# %%
def attention(x):
    y = layers.LayerNormalization()(x)
    return x + layers.MultiHeadAttention(4, WIDTH // 4)(y, y, use_causal_mask=True)


def feed_forward(x):
    y = layers.LayerNormalization()(x)
    y = layers.Conv1D(2 * WIDTH, 3, padding="causal", activation="gelu")(y)
    return x + layers.Dense(WIDTH)(y)


def decoder_block(x):
    return feed_forward(attention(x))


tokens = cornu.Input((CONTEXT,), dtype="int32", name="tokens")
positions = layers.Embedding(CONTEXT, WIDTH, name="positions")(ops.arange(CONTEXT))
x = layers.Embedding(len(alphabet), WIDTH, name="characters")(tokens) + positions
for _ in range(2):
    x = decoder_block(x)
logits = layers.Dense(len(alphabet), name="logits")(layers.LayerNormalization()(x))
model = cornu.Model(tokens, logits, name="language_model")
loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(cornu.optimizers.Adam(5e-3), loss)
model

# %%
history = model.fit(train[:, :-1], train[:, 1:], batch_size=16, epochs=2, verbose=0)
history

# %% [markdown]
# ## A continuation


# %%
def complete(prompt, count, temperature=0.5, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        last = [alphabet.index(char) for char in prompt[-CONTEXT:]]
        padded = np.array([last + [0] * (CONTEXT - len(last))])
        scores = model.predict_on_batch(padded)[0, len(last) - 1] / temperature
        odds = np.exp(scores - scores.max())
        prompt += alphabet[rng.choice(len(alphabet), p=odds / odds.sum())]
    return prompt


print(complete("the value of the ", 150))

# %% [markdown]
# ## Result
#
# Bits per character of unseen text. The baseline counts how often each character follows each other
# one.

# %%
bits = model.evaluate(test[:, :-1], test[:, 1:], verbose=0) / np.log(2)
pairs = np.ones((len(alphabet), len(alphabet)))
np.add.at(pairs, (train[:, :-1], train[:, 1:]), 1)
odds = pairs / pairs.sum(axis=1, keepdims=True)
baseline = -np.log2(odds[test[:, :-1], test[:, 1:]]).mean()
print(f"{bits:.2f} bits per character; frequencies of pairs {baseline:.2f}")
assert bits < baseline - 0.3
