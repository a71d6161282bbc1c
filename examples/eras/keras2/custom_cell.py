"""A recurrent cell of one's own, and a stack of cells."""

import numpy as np
from keras import backend as K
from keras import layers
from keras.models import Sequential


class MinimalRNNCell(layers.Layer):
    def __init__(self, units, **kwargs):
        self.units = units
        self.state_size = units
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units),
                                      initializer='uniform', name='kernel')
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units),
                                                initializer='uniform', name='recurrent_kernel')
        self.built = True

    def call(self, inputs, states):
        output = K.dot(inputs, self.kernel) + K.dot(states[0], self.recurrent_kernel)
        return output, [output]


random = np.random.RandomState(25)
x = random.normal(size=(48, 5, 4))
y = x[:, 0, :1]
model = Sequential()
model.add(layers.RNN([MinimalRNNCell(6), MinimalRNNCell(6)], input_shape=(5, 4)))
model.add(layers.Dense(1))
model.compile('adam', 'mse')
model.fit(x, y, batch_size=16, epochs=2, verbose=0)
print(model.predict(x).shape)
