"""Grad-CAM: the parts of a picture that a class depends on."""

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, GlobalAveragePooling2D
from keras.models import Sequential

random = np.random.RandomState(17)
x = random.uniform(size=(60, 10, 10, 3))
y = np.eye(2)[random.randint(2, size=60)]
model = Sequential()
model.add(Conv2D(6, 3, activation='relu', input_shape=(10, 10, 3), name='last_conv'))
model.add(GlobalAveragePooling2D())
model.add(Dense(2, activation='softmax'))
model.compile('sgd', 'categorical_crossentropy')
model.fit(x, y, batch_size=20, epochs=1, verbose=0, shuffle=False)

output = model.output[:, 1]
last = model.get_layer('last_conv')
grads = K.gradients(output, last.output)[0]
pooled = K.mean(grads, axis=(0, 1, 2))
iterate = K.function([model.input], [pooled, last.output[0], output])
weights, features, score = iterate([x[:1]])
heatmap = np.maximum(np.mean(features * weights, axis=-1), 0)
print(heatmap.shape, heatmap.max() >= 0)
