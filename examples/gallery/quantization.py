# %% [markdown]
# # Weights of 8 and 4 bits
#
# A trained classifier is quantized to int8, and to int4 with the last layer left as it is. Files,
# accuracies and errors of the probabilities are compared. Quantization changes a model in place,
# so that each mode begins with the saved model.

# %%
import os

import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part.reshape(-1, 64).astype("float32") / 16 for part in (x_train, x_test))

# %%
model = cornu.Sequential(
    [
        cornu.Input((64,)),
        layers.Dense(256, "relu", name="hidden_1"),
        layers.Dense(256, "relu", name="hidden_2"),
        layers.Dense(10, "softmax", name="digit"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=12, verbose=0)
model.save("float32.keras", include_optimizer=False)

# %% [markdown]
# ## Quantized models
#
# A quantized model is saved and loaded like any other. `filters` selects layers by name.


# %%
def quantized(mode, **options):
    model = cornu.models.load_model("float32.keras")
    model.quantize(mode, **options)
    model.save(f"{mode}.keras", include_optimizer=False)
    return cornu.models.load_model(f"{mode}.keras")


models = {"float32": model, "int8": quantized("int8"), "int4": quantized("int4", filters="hidden")}
models["int4"].layers[1].dtype_policy

# %% [markdown]
# ## Result

# %%
expected = model.predict(x_test, verbose=0)
accuracies, sizes = {}, {}
for mode, each in models.items():
    found = each.predict(x_test, verbose=0)
    accuracies[mode] = np.mean(found.argmax(axis=1) == y_test)
    sizes[mode] = os.path.getsize(f"{mode}.keras")
    error = np.abs(found - expected).max()
    print(f"{mode:>8}: {sizes[mode] / 1000:4.0f} kB, {accuracies[mode]:.1%}, error {error:.3f}")
smaller = sizes["float32"] / sizes["int4"]
print(
    f"int4: {smaller:.1f} times smaller, accuracy {accuracies['int4']:.1%}; "
    f"float32 {accuracies['float32']:.1%}"
)
assert smaller > 4 and min(accuracies.values()) > accuracies["float32"] - 0.02
