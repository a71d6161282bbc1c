"""The wrapper for scikit-learn, and a search over its arguments."""

import itertools

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier

random = np.random.RandomState(30)
x = random.normal(size=(100, 5))
y = np.where(x[:, 0] > 0, 'yes', 'no')


def make_model(units=4, optimizer='adam'):
    model = Sequential()
    model.add(Dense(units, activation='relu', input_dim=5))
    model.add(Dense(2, activation='softmax'))
    model.compile(optimizer, 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


results = {}
for units, optimizer in itertools.product((2, 6), ('adam', 'rmsprop')):
    classifier = KerasClassifier(make_model, units=units, batch_size=20, epochs=1, verbose=0)
    classifier.set_params(optimizer=optimizer)
    classifier.fit(x[:80], y[:80])
    results[units, optimizer] = classifier.score(x[80:], y[80:])
print(max(results, key=results.get) in results, classifier.predict(x[:2]).shape)
