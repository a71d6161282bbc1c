"""A recurrent layer and a dense layer of the program, in the style of the time."""
from __future__ import print_function
import numpy as np
np.random.seed(17)

from keras import activations, initializations
from keras import backend as K
from keras.engine.topology import InputSpec, Layer
from keras.layers import Dense
from keras.models import Sequential


class MinimalRNN(Layer):
    def __init__(self, output_dim, init='glorot_uniform', inner_init='orthogonal', **kwargs):
        self.output_dim = output_dim
        self.init = initializations.get(init)
        self.inner_init = initializations.get(inner_init)
        self.activation = activations.get('tanh')
        super(MinimalRNN, self).__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = [InputSpec(shape=input_shape)]
        self.W = self.init((input_shape[2], self.output_dim), name='{}_W'.format(self.name))
        self.U = self.inner_init((self.output_dim, self.output_dim),
                                 name='{}_U'.format(self.name))
        self.b = K.zeros((self.output_dim,), name='{}_b'.format(self.name))
        self.trainable_weights = [self.W, self.U, self.b]

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)

    def step(self, x, states):
        output = self.activation(K.dot(x, self.W) + K.dot(states[0], self.U) + self.b)
        return output, [output]

    def call(self, x, mask=None):
        initial = K.zeros_like(K.dot(x[:, 0], self.W))
        last_output, outputs, states = K.rnn(self.step, x, [initial])
        return last_output


class ScaledDense(Layer):
    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super(ScaledDense, self).__init__(**kwargs)

    def build(self, input_shape):
        self.W = self.add_weight((input_shape[1], self.output_dim), initializer='uniform',
                                 name='{}_W'.format(self.name), trainable=True)
        self.scale = self.add_weight((self.output_dim,), initializer='one', name='scale')
        super(ScaledDense, self).build(input_shape)

    def call(self, x, mask=None):
        return K.dot(x, self.W) * self.scale

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)


X = np.random.uniform(-1, 1, (64, 6, 3)).astype('float32')
y = X.sum(axis=(1, 2)).reshape(-1, 1)
model = Sequential()
model.add(MinimalRNN(10, input_shape=(6, 3)))
model.add(ScaledDense(6))
model.add(Dense(1))
model.compile(loss='mse', optimizer='adam')
model.fit(X, y, batch_size=16, nb_epoch=4, verbose=2)
print(model.layers[0].output_shape, [w.shape for w in model.layers[0].get_weights()])
