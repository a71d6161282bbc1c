"""A grid search with scikit-learn over the arguments of a model."""
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.layers import Activation, Dense, Dropout
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV

X = np.random.uniform(-1, 1, (90, 6)).astype('float32')
y = (X[:, 0] * X[:, 1] > 0).astype('int')


def make_model(dense_layer_sizes, dropout=0.1):
    model = Sequential()
    model.add(Dense(dense_layer_sizes[0], input_shape=(6,)))
    model.add(Activation('relu'))
    for layer_size in dense_layer_sizes[1:]:
        model.add(Dense(layer_size))
        model.add(Activation('relu'))
    model.add(Dropout(dropout))
    model.add(Dense(2))
    model.add(Activation('softmax'))
    model.compile(loss='categorical_crossentropy', optimizer='adadelta', metrics=['accuracy'])
    return model


my_classifier = KerasClassifier(make_model, batch_size=15, nb_epoch=2, verbose=0)
halves = np.arange(0, 90, 2), np.arange(1, 90, 2)
validator = GridSearchCV(my_classifier, cv=[halves, halves[::-1]],
                         param_grid={'dense_layer_sizes': [[8], [8, 8]], 'nb_epoch': [1, 2]},
                         scoring='neg_log_loss', n_jobs=1)
validator.fit(X, y)
print('The parameters of the best model are:', sorted(validator.best_params_))
best_model = validator.best_estimator_.model
metric_names = best_model.metrics_names
metric_values = best_model.evaluate(X, np.eye(2)[y], verbose=0)
for metric, value in zip(metric_names, metric_values):
    print(metric, ': ', value)
