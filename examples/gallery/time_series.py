# %% [markdown]
# # A forecast with intervals
#
# The demand for electricity in the next 24 hours, from that of the last week. The model predicts
# three quantiles for each hour, with the pinball loss, so that it says how certain it is. The
# series is generated: days, weeks, a slow trend and noise that is correlated from hour to hour.

# %%
import numpy as np

import cornu
from cornu import layers, ops

cornu.utils.set_random_seed(0)
WEEK, DAY = 168, 24
QUANTILES = np.array([0.1, 0.5, 0.9], "float32")


def demand(hours, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(hours)
    day = 1.0 + 0.5 * np.sin(2 * np.pi * (time % DAY - 8) / DAY)
    workday = np.where(time // DAY % 7 < 5, 1.0, 0.6)
    noise = np.zeros(hours)
    for hour in range(1, hours):
        noise[hour] = 0.9 * noise[hour - 1] + rng.normal(0, 0.05)
    return (day * workday + noise + 0.3 * np.sin(2 * np.pi * time / 3000)).astype("float32")


series = demand(DAY * 600)
starts = np.arange(0, len(series) - WEEK - DAY, 3)
windows = np.stack([series[start : start + WEEK + DAY] for start in starts])
past, future = windows[:, :WEEK], windows[:, WEEK:]
# The last fifth of the time is for the test, without the windows that reach into it.
split = int(0.8 * len(past))
train = slice(0, split - (WEEK + DAY) // 3)

# %% [markdown]
# ## The model
#
# It predicts the difference from the same day of last week. `residual` is a block of the model.


# %%
def residual(x):
    return layers.Add()([x, layers.Dense(x.shape[-1], "relu")(x)])


def pinball(true, predicted):
    error = true[..., None] - predicted
    return ops.mean(ops.maximum(QUANTILES * error, (QUANTILES - 1) * error))


week = cornu.Input((WEEK,), name="week")
x = residual(residual(layers.Dense(96)(week)))
change = layers.Reshape((DAY, 3))(layers.Dense(DAY * 3)(x))
model = cornu.Model(week, week[:, :DAY, None] + change, name="forecast")
rate = cornu.optimizers.schedules.CosineDecay(5e-3, 10 * 58)
model.compile(cornu.optimizers.Adam(rate), pinball)
cornu.inspect.plot_model(model, None, depth=1)

# %%
history = model.fit(
    past[train],
    future[train],
    batch_size=64,
    epochs=10,
    validation_data=(past[split:], future[split:]),
    verbose=0,
)
history.plot()

# %% [markdown]
# ## Result
#
# The baseline repeats the same day of the week before. Four of five values should be in the
# interval.

# %%
low, middle, high = np.moveaxis(model.predict(past[split:], verbose=0), -1, 0)
true = future[split:]
error = np.abs(middle - true).mean()
baseline = np.abs(past[split:, :DAY] - true).mean()
inside = np.mean((low < true) & (true < high))
print(f"width of the interval: {np.mean(high - low, axis=0)[[0, 23]].round(2)} in hours 1 and 24")
print(f"values in the interval of 80 %: {inside:.0%}")
print(f"mean error {error:.3f}; same day of last week {baseline:.3f}")
assert error < 0.9 * baseline and 0.65 < inside < 0.95
