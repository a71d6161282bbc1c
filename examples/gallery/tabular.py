# %% [markdown]
# # Tables with text and numbers
#
# Prices of used cars, from a table with columns of strings and numbers. `FeatureSpace` learns
# vocabularies and scales, crosses two columns, and becomes a part of the model, which therefore
# takes rows of the table as they are, in training and after loading. The table is generated, with
# 10 % noise, so that the best possible error is known.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
MAKES = {"Ada": 9.0, "Boole": 14.0, "Curie": 22.0, "Dirac": 31.0}
FUELS = ("petrol", "diesel", "electric")


def cars(count, seed):
    """Returns a table of cars, and their prices in thousands."""
    rng = np.random.default_rng(seed)
    table = {
        "make": rng.choice(list(MAKES), count),
        "fuel": rng.choice(FUELS, count, p=[0.5, 0.3, 0.2]),
        "age": rng.integers(0, 15, count).astype("float32"),
        "kilometers": rng.gamma(3.0, 30_000, count).astype("float32"),
    }
    price = np.array([MAKES[make] for make in table["make"]])
    # Electric cars are dear, but lose their value quickly; those of one make keep it.
    electric = (table["fuel"] == "electric") & (table["make"] != "Curie")
    price = price * np.where(table["fuel"] == "electric", 1.4, 1.0)
    price = price * np.where(electric, 0.78, 0.88) ** table["age"]
    price = price * np.exp(-table["kilometers"] / 300_000) * rng.lognormal(0, 0.1, count)
    return table, price.astype("float32")


train, train_prices = cars(4000, seed=1)
test, test_prices = cars(1000, seed=2)

# %% [markdown]
# ## The model

# %%
space = cornu.utils.FeatureSpace(
    {
        "make": "string_categorical",
        "fuel": "string_categorical",
        "age": "float_normalized",
        "kilometers": "float_normalized",
    },
    crosses=[("make", "fuel")],
    crossing_dim=32,
)
space.adapt(train)
x = layers.Dense(64, "relu")(space.get_encoded_features())
x = layers.Dense(32, "relu")(x)
log_price = layers.Dense(1, name="log_price")(x)
model = cornu.Model(space.get_inputs(), log_price, name="prices")
model.compile(cornu.optimizers.Adam(3e-3), "mae")
history = model.fit(
    train,
    np.log(train_prices),
    batch_size=64,
    epochs=15,
    validation_data=(test, np.log(test_prices)),
    verbose=0,
)
history.plot()

# %%
model.save("prices.keras")
loaded = cornu.models.load_model("prices.keras")
offers = {
    "make": ["Boole", "Boole", "Curie"],
    "fuel": ["petrol", "electric", "electric"],
    "age": [5.0, 5.0, 5.0],
    "kilometers": [60_000.0, 60_000.0, 60_000.0],
}
for row, price in enumerate(np.exp(loaded.predict(offers, verbose=0)[:, 0])):
    print(f"{offers['make'][row]}, {offers['fuel'][row]}, 5 years: {price:.1f} thousand")

# %% [markdown]
# ## Result
#
# The baseline is a linear model of the same columns, in which every value of a column of strings
# has a weight. No model can be better than the noise.


# %%
def columns(table):
    strings = [table["make"] == make for make in MAKES] + [table["fuel"] == f for f in FUELS]
    return np.stack([*strings, table["age"], table["kilometers"]], axis=1).astype("float64")


weights = np.linalg.lstsq(columns(train), np.log(train_prices), rcond=None)[0]
baseline = np.abs(columns(test) @ weights - np.log(test_prices)).mean()
error = np.abs(loaded.predict(test, verbose=0)[:, 0] - np.log(test_prices)).mean()
noise = 0.1 * np.sqrt(2 / np.pi)
print(f"mean error {error:.1%}; linear model {baseline:.1%}; noise {noise:.1%}")
assert noise < error < 0.75 * baseline
