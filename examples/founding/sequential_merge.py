"""Two Sequential branches, joined by Merge."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential

# --- as in the post
from keras.layers import Merge

left_branch = Sequential()
left_branch.add(Dense(32, input_dim=784))

right_branch = Sequential()
right_branch.add(Dense(32, input_dim=784))

merged = Merge([left_branch, right_branch], mode='concat')

final_model = Sequential()
final_model.add(merged)
final_model.add(Dense(10, activation='softmax'))
# --- end

rng = np.random.RandomState(0)
left, right = rng.rand(256, 784), rng.rand(256, 784)
labels = np.eye(10)[rng.randint(0, 10, 256)]
final_model.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
final_model.fit([left, right], labels, nb_epoch=2, batch_size=32, verbose=2)
print(final_model.predict([left, right]).shape)
