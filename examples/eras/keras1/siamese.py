"""A siamese network on pairs, with the distance as a Lambda layer and a contrastive loss."""
from __future__ import absolute_import, print_function
import numpy as np
np.random.seed(1337)

from keras import backend as K
from keras.layers import Dense, Dropout, Input, Lambda
from keras.models import Model, Sequential
from keras.optimizers import RMSprop


def euclidean_distance(vects):
    x, y = vects
    return K.sqrt(K.maximum(K.sum(K.square(x - y), axis=1, keepdims=True), K.epsilon()))


def eucl_dist_output_shape(shapes):
    shape1, shape2 = shapes
    return (shape1[0], 1)


def contrastive_loss(y_true, y_pred):
    margin = 1
    return K.mean(y_true * K.square(y_pred) +
                  (1 - y_true) * K.square(K.maximum(margin - y_pred, 0)))


def create_base_network(input_dim):
    seq = Sequential()
    seq.add(Dense(16, input_shape=(input_dim,), activation='relu'))
    seq.add(Dropout(0.1))
    seq.add(Dense(16, activation='relu'))
    return seq


def compute_accuracy(predictions, labels):
    return labels[predictions.ravel() < 0.5].mean() if (predictions < 0.5).any() else 0.


classes = np.random.randint(0, 3, (160, 2))
centers = np.random.uniform(-1, 1, (3, 8))
left, right = [centers[classes[:, i]] + 0.1 * np.random.randn(160, 8) for i in (0, 1)]
same = (classes[:, 0] == classes[:, 1]).astype('float32')

base_network = create_base_network(8)
input_a, input_b = Input(shape=(8,)), Input(shape=(8,))
processed_a, processed_b = base_network(input_a), base_network(input_b)
distance = Lambda(euclidean_distance, output_shape=eucl_dist_output_shape)(
    [processed_a, processed_b])
model = Model(input=[input_a, input_b], output=distance)
model.compile(loss=contrastive_loss, optimizer=RMSprop())
model.fit([left, right], same, validation_split=0.1, batch_size=24, nb_epoch=4, verbose=2)
print('Accuracy: %.2f' % compute_accuracy(model.predict([left, right]), same))
