"""A ready-made network whose first layers are frozen, with new layers on top."""

import numpy as np
from keras.applications.mobilenet import MobileNet
from keras.layers import Dense, GlobalAveragePooling2D
from keras.models import Model
from keras.optimizers import SGD

random = np.random.RandomState(23)
x = random.uniform(-1, 1, size=(24, 32, 32, 3))
y = np.eye(2)[random.randint(2, size=24)]

base_model = MobileNet(weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.25)
features = GlobalAveragePooling2D()(base_model.output)
features = Dense(8, activation='relu')(features)
predictions = Dense(2, activation='softmax')(features)
model = Model(inputs=base_model.input, outputs=predictions)
for layer in base_model.layers:
    layer.trainable = False
model.compile(optimizer='rmsprop', loss='categorical_crossentropy')
print(len(model.trainable_weights))
model.fit(x, y, batch_size=8, epochs=1, verbose=0)
model.layers[-2].trainable = False
model.compile(optimizer=SGD(lr=0.0001, momentum=0.9), loss='categorical_crossentropy')
print(len(model.trainable_weights))
