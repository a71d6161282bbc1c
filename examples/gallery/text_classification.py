# %% [markdown]
# # Classification of text
#
# Which part of Python's standard library does a docstring describe: files, networks, numbers or
# programs? The texts are those of the installed Python. The model takes strings, so that the saved
# file needs no tokenizer beside it: cornu runs `TextVectorization` on the host, as the last step
# of reading the data, and compiles the rest.

# %%
import importlib
import inspect

import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
MODULES = {
    "files": "os shutil pathlib zipfile tarfile tempfile io gzip bz2 lzma filecmp csv configparser",
    "networks": "http.client http.cookiejar urllib.request urllib.parse email.message smtplib "
    "ftplib imaplib poplib socket ssl socketserver xmlrpc.client ipaddress",
    "numbers": "decimal fractions statistics math cmath random datetime calendar zoneinfo bisect",
    "programs": "ast dis inspect types threading asyncio subprocess traceback unittest "
    "doctest pdb logging argparse",
}


# %%
def docstrings(name):
    """Returns the docstrings of the functions, classes and methods of a module."""
    found = set()
    for item in vars(importlib.import_module(name)).values():
        if (getattr(item, "__module__", None) or name).partition(".")[0] == name.partition(".")[0]:
            members = vars(item).values() if inspect.isclass(item) else ()
            parts = [part for part in (item, *members) if callable(part)]
            found |= {
                inspect.cleandoc(part.__doc__) for part in parts if isinstance(part.__doc__, str)
            }
    return found


texts = [{t for m in modules.split() for t in docstrings(m)} for modules in MODULES.values()]
pairs = sorted((text, label) for label, group in enumerate(texts) for text in group)
order = np.random.default_rng(0).permutation(len(pairs))
x = np.array([pairs[i][0] for i in order])
y = np.array([pairs[i][1] for i in order])
test = len(x) // 4
print(len(x), "texts;", dict(zip(MODULES, np.bincount(y).tolist(), strict=True)))
print(x[0].splitlines()[0])

# %% [markdown]
# ## The model
#
# One convolution for each length of phrase; `phrases` is a block of the model.


# %%
def phrases(x, size):
    x = layers.Conv1D(32, size, padding="same", activation="relu")(x)
    return layers.GlobalMaxPooling1D()(x)


vectorize = layers.TextVectorization(max_tokens=4000, output_sequence_length=60)
vectorize.adapt(x[test:])
text = cornu.Input((), dtype="string", name="text")
words = layers.Embedding(vectorize.vocabulary_size(), 32, name="words")(vectorize(text))
features = layers.Concatenate()([phrases(words, size) for size in (1, 2, 3)])
subject = layers.Dense(len(MODULES), "softmax", name="subject")(layers.Dropout(0.3)(features))
model = cornu.Model(text, subject, name="text_cnn")
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model

# %%
history = model.fit(x[test:], y[test:], epochs=6, validation_data=(x[:test], y[:test]), verbose=0)
history.plot("accuracy")

# %% [markdown]
# ## Result
#
# The saved model classifies sentences. The baseline is the most frequent subject.

# %%
model.save("subjects.keras")
reader = cornu.models.load_model("subjects.keras")
questions = ["Send a message to the server.", "Return the square root of x.", "Remove a directory."]
for question, scores in zip(questions, reader.predict(questions, verbose=0), strict=True):
    print(f"{list(MODULES)[scores.argmax()]:>9}: {question}")
accuracy = reader.evaluate(x[:test], y[:test], verbose=0, return_dict=True)["accuracy"]
baseline = np.bincount(y[:test]).max() / test
print(f"accuracy {accuracy:.1%}; most frequent subject {baseline:.1%}")
assert accuracy > baseline + 0.3
