"""`predict_on_batch` and `train_on_batch` in a loop, and a target network by `clone_model`

Q-learning of a walk along a line, with a replay buffer.
"""

import random
from collections import deque

import keras
import numpy as np
from keras import layers, ops

CELLS, ACTIONS = 8, 2


class Walk:
    """An agent walks left or right; the right end pays, each step costs."""

    def reset(self):
        self.cell = CELLS // 2
        return self.cell

    def step(self, action):
        self.cell += 1 if action else -1
        done = self.cell in (0, CELLS - 1)
        return self.cell, (1.0 if self.cell == CELLS - 1 else -0.05), done


def one_hot(cells):
    return ops.convert_to_numpy(ops.one_hot(np.asarray(cells), CELLS))


def build():
    return keras.Sequential(
        [keras.Input((CELLS,)), layers.Dense(24, "relu"), layers.Dense(ACTIONS, name="q")]
    )


def train(q, log):
    dice = random.Random(0)
    target = keras.models.clone_model(q)
    target.set_weights(q.get_weights())
    q.compile(optimizer=keras.optimizers.Adam(5e-3), loss=keras.losses.Huber(delta=0.5))
    memory, walk = deque(maxlen=200), Walk()
    cell, logged = walk.reset(), 0
    while logged < 12:
        explores = dice.random() < 0.5
        values = q.predict_on_batch(one_hot([cell]))[0]
        action = dice.randrange(ACTIONS) if explores else int(np.argmax(values))
        following, reward, done = walk.step(action)
        memory.append((cell, action, reward, following, done))
        cell = walk.reset() if done else following
        if len(memory) >= 16 and len(memory) % 4 == 0:
            cells, actions, rewards, nexts, ends = map(np.array, zip(*dice.sample(memory, 16)))
            best = np.max(target.predict_on_batch(one_hot(nexts)), axis=1)
            wanted = q.predict_on_batch(one_hot(cells))
            wanted = np.array(wanted)
            wanted[np.arange(16), actions] = rewards + 0.9 * best * (1 - ends)
            log(q.train_on_batch(one_hot(cells), wanted))
            logged += 1
            if logged % 3 == 0:
                target.set_weights(q.get_weights())
    return q.predict(np.eye(CELLS), verbose=0)
