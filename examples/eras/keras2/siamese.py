"""A siamese network: two inputs, one shared network, and the contrastive loss of distances."""

import numpy as np
from keras import backend as K
from keras.layers import Dense, Dropout, Input, Lambda
from keras.models import Model, Sequential
from keras.optimizers import RMSprop

random = np.random.RandomState(5)
left, right = random.normal(size=(2, 96, 10))
same = random.randint(2, size=96).astype('float32')
right[same == 1] = left[same == 1] + 0.1


def euclidean_distance(vectors):
    a, b = vectors
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))


def distance_shape(shapes):
    return (shapes[0][0], 1)


def contrastive_loss(y_true, y_pred):
    margin = 1
    return K.mean(y_true * K.square(y_pred) +
                  (1 - y_true) * K.square(K.maximum(margin - y_pred, 0)))


def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))


base = Sequential()
base.add(Dense(16, input_shape=(10,), activation='relu'))
base.add(Dropout(0.1))
base.add(Dense(8, activation='relu'))
input_a, input_b = Input(shape=(10,)), Input(shape=(10,))
distance = Lambda(euclidean_distance, output_shape=distance_shape)([base(input_a), base(input_b)])
model = Model([input_a, input_b], distance)
model.compile(loss=contrastive_loss, optimizer=RMSprop(), metrics=[accuracy])
model.fit([left, right], same, batch_size=32, epochs=2, verbose=0)
print('accuracy', model.evaluate([left, right], same, verbose=0)[1])
