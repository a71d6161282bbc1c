# %% [markdown]
# # Adapters of a low rank (LoRA)
#
# A trained network meets digits that are turned by a quarter. Adapters, products of two small
# matrices beside the frozen weights, learn the difference, so that a tenth of the weights is
# trained. Merged weights are what other programs read from the file: the adapted model costs
# nothing more than the original.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.astype("float32") / 16 for part in (x_train, x_test))
turned_train, turned_test = (np.rot90(part, axes=(1, 2)).copy() for part in (x_train, x_test))

# %% [markdown]
# ## The network


# %%
def residual(x):
    y = layers.Dense(x.shape[-1], "relu")(layers.LayerNormalization()(x))
    return x + layers.Dense(x.shape[-1])(y)


image = cornu.Input((8, 8), name="image")
x = layers.Dense(128, name="stem")(layers.Flatten()(image))
x = residual(residual(x))
model = cornu.Model(image, layers.Dense(10, "softmax", name="digit")(x), name="network")
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, verbose=0)


def accuracy_of(model, images):
    return model.evaluate(images, y_test, verbose=0, return_dict=True)["accuracy"]


upright, baseline = accuracy_of(model, x_test), accuracy_of(model, turned_test)
print(f"upright digits {upright:.1%}, turned digits {baseline:.1%}")

# %% [markdown]
# ## The adapters
#
# `enable_lora` freezes the weight of a layer; the biases and the two scales stay trainable.
# `compile` comes afterwards, because the optimizer needs to know the new weights.

# %%
adapted = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
for layer in adapted:
    layer.enable_lora(rank=4)
model.compile(cornu.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
trained = sum(variable.size for variable in model.trainable_variables)
model.fit(turned_train, y_train, epochs=15, verbose=0)

# %% [markdown]
# ## Result
#
# The baseline is the network without adapters, on the same turned digits.

# %%
model.save("turned.keras")
loaded = cornu.models.load_model("turned.keras")
accuracy = accuracy_of(loaded, turned_test)
print(f"{trained:,} of {model.count_params():,} weights were trained")
print(f"accuracy on turned digits {accuracy:.1%}; before {baseline:.1%}")
assert accuracy > 0.8
