"""Training on batches of an ImageDataGenerator, and evaluation and prediction of generators."""

import numpy as np
from keras.layers import Conv2D, Dense, Flatten
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator

random = np.random.RandomState(24)
x = random.uniform(0, 255, size=(48, 10, 10, 3))
y = random.randint(2, size=48)

generator = ImageDataGenerator(rotation_range=20, width_shift_range=0.2, height_shift_range=0.2,
                               shear_range=0.2, zoom_range=0.2, horizontal_flip=True,
                               rescale=1. / 255, fill_mode='nearest')
test_generator = ImageDataGenerator(rescale=1. / 255)
model = Sequential()
model.add(Conv2D(4, (3, 3), activation='relu', input_shape=(10, 10, 3)))
model.add(Flatten())
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
flow = generator.flow(x, y, batch_size=16, seed=3)
model.fit_generator(flow, steps_per_epoch=3, epochs=2, verbose=0, workers=1,
                    validation_data=test_generator.flow(x, y, batch_size=16), validation_steps=3)
test = test_generator.flow(x, y, batch_size=16, shuffle=False)
print(model.evaluate_generator(test, steps=3)[1], model.predict_generator(test, steps=3).shape)
