# %% [markdown]
# # Reinforcement learning: balancing a pole
#
# A cart must balance a pole by pushes to the left or right. The policy is trained by REINFORCE:
# actions are made more likely if more steps followed them than in the mean. That is the loss of a
# classifier with weights, so that `train_on_batch` with `sample_weight` is all it takes. Many
# carts are simulated at once in NumPy.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
rng = np.random.default_rng(0)
CARTS, STEPS = 32, 200


def move(state, action):
    """Returns the states 0.02 seconds later, and which poles fell or carts left the track."""
    place, speed, angle, turning = state.T
    force = np.where(action, 10.0, -10.0)
    pull = (force + 0.05 * turning**2 * np.sin(angle)) / 1.1
    bend = 9.8 * np.sin(angle) - np.cos(angle) * pull
    bend = bend / (0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1))
    push = pull - 0.05 * bend * np.cos(angle) / 1.1
    change = np.stack([speed, push, turning, bend], axis=1)
    state = state + 0.02 * change
    return state, (np.abs(state[:, 0]) > 2.4) | (np.abs(state[:, 2]) > 0.21)


def play(choose):
    """Returns states and actions (steps, carts, ...), and which carts were still in play."""
    state, alive = rng.uniform(-0.05, 0.05, (CARTS, 4)), np.ones(CARTS, bool)
    steps = []
    for _ in range(STEPS):
        action = choose(state)
        steps.append((state, action, alive))
        state, fell = move(state, action)
        alive = alive & ~fell
    return tuple(np.array(part) for part in zip(*steps, strict=True))


# %% [markdown]
# ## Training

# %%
policy = cornu.Sequential(
    [cornu.Input((4,)), layers.Dense(32, "tanh"), layers.Dense(2, "softmax")], name="policy"
)
policy.compile(cornu.optimizers.Adam(0.02), "sparse_categorical_crossentropy")


def sample(state):
    return rng.uniform(size=CARTS) < policy.predict_on_batch(state)[:, 1]


lengths = []
for _ in range(30):
    states, actions, alive = play(sample)
    # The steps that followed, compared with those of the other carts, while the cart was in play.
    left = alive[::-1].cumsum(axis=0)[::-1]
    advantage = (left - left.mean(axis=1, keepdims=True)) / left.std()
    chosen = np.where(alive, advantage, 0).astype("float32")
    policy.train_on_batch(states.reshape(-1, 4), actions.reshape(-1), chosen.reshape(-1))
    lengths.append(alive.sum(axis=0).mean())
print("steps in play:", [int(length) for length in lengths[::5]])

# %% [markdown]
# ## Result
#
# The policy now takes the more likely action. The baseline acts at random.

# %%
score = play(lambda state: policy.predict_on_batch(state).argmax(axis=1))[2].sum(axis=0).mean()
baseline = play(lambda state: rng.integers(0, 2, CARTS))[2].sum(axis=0).mean()
print(f"{score:.0f} of {STEPS} steps in play; random actions {baseline:.0f}")
assert score > 4 * baseline
