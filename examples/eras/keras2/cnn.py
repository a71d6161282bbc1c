"""A convolutional network on small pictures of bars."""

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential

random = np.random.RandomState(2)
labels = random.randint(2, size=(120, 1))
x = random.uniform(size=(120, 12, 12, 1)) * 0.3
for picture, label in zip(x, labels):
    if label[0]:
        picture[:, random.randint(12)] += 1
    else:
        picture[random.randint(12)] += 1
if K.image_data_format() == 'channels_first':
    x = x.transpose(0, 3, 1, 2)

model = Sequential([
    Conv2D(8, (3, 3), padding='same', activation='relu', input_shape=x.shape[1:]),
    BatchNormalization(),
    MaxPooling2D(pool_size=(2, 2)),
    Conv2D(8, kernel_size=3, strides=2, activation='relu', kernel_initializer='he_normal'),
    Dropout(0.25),
    Flatten(),
    Dense(1, activation='sigmoid'),
])
model.compile('adam', 'binary_crossentropy', metrics=['acc'])
model.fit(x, labels, batch_size=30, epochs=2, verbose=0, class_weight={0: 1.0, 1: 2.0})
print('loss, acc', model.evaluate(x, labels, verbose=0))
