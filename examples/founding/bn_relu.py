"""A block made of a plain function."""

import numpy as np
from keras.layers import Activation, BatchNormalization, Convolution2D, Dense, Flatten, Input
from keras.models import Model

CHANNEL_AXIS = 3

# --- as in the post
def _bn_relu(input):
    """Helper to build a BN -> relu block
    """
    norm = BatchNormalization(mode=0, axis=CHANNEL_AXIS)(input)
    return Activation("relu")(norm)
# --- end


inputs = Input(shape=(8, 8, 1))
x = Convolution2D(8, 3, 3, border_mode='same')(inputs)
x = _bn_relu(x)
x = Convolution2D(8, 3, 3, border_mode='same')(x)
x = _bn_relu(x)
model = Model(input=inputs, output=Dense(2, activation='softmax')(Flatten()(x)))
model.compile(optimizer='sgd', loss='categorical_crossentropy', metrics=['accuracy'])

rng = np.random.RandomState(0)
images = rng.rand(64, 8, 8, 1)
classes = np.eye(2)[(images.mean((1, 2, 3)) > 0.5).astype(int)]
model.fit(images, classes, nb_epoch=2, batch_size=16, verbose=2)
model.summary()
