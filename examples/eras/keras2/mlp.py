"""A multilayer perceptron on vectors of three classes."""

import numpy as np
from keras.layers import Activation, Dense, Dropout
from keras.models import Sequential
from keras.optimizers import RMSprop
from keras.utils import to_categorical

random = np.random.RandomState(1)
centers = random.normal(size=(3, 20))
labels = random.randint(3, size=300)
x = centers[labels] + random.normal(size=(300, 20))
y = to_categorical(labels, num_classes=3)

model = Sequential()
model.add(Dense(32, input_dim=20))
model.add(Activation('relu'))
model.add(Dropout(0.2))
model.add(Dense(32, activation='relu'))
model.add(Dropout(0.2))
model.add(Dense(3, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer=RMSprop(lr=0.01, decay=1e-3),
              metrics=['accuracy'])
history = model.fit(x, y, batch_size=32, epochs=3, verbose=0, validation_split=0.2)
print('val_acc', history.history['val_acc'][-1])
score = model.evaluate(x, y, verbose=0)
print('classes', model.predict_classes(x[:5]))
