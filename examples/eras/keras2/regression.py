"""A regression with penalties, constraints, weights of samples, and clipped gradients."""

import numpy as np
from keras import constraints, initializers, optimizers, regularizers
from keras.layers import Dense, GaussianNoise, PReLU
from keras.models import Sequential, model_from_json

random = np.random.RandomState(29)
x = random.normal(size=(80, 13))
y = x[:, 0] - 2 * x[:, 1] + random.normal(size=80)

model = Sequential()
model.add(GaussianNoise(0.1, input_shape=(13,)))
model.add(Dense(16, kernel_initializer=initializers.RandomNormal(stddev=0.1, seed=1),
                kernel_regularizer=regularizers.l2(0.01), bias_regularizer='l1',
                kernel_constraint=constraints.max_norm(2.)))
model.add(PReLU())
model.add(Dense(1, activity_regularizer=regularizers.l1_l2(l1=0.001, l2=0.001)))
model.compile(loss='mae', optimizer=optimizers.Nadam(clipnorm=1., clipvalue=0.5), metrics=['mse'])
model.fit(x, y, batch_size=20, epochs=2, verbose=0, sample_weight=random.uniform(size=80))
print(model.metrics_names, model_from_json(model.to_json()).count_params())
