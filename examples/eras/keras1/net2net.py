"""Net2Net: a trained network is made wider and deeper without changing what it computes."""
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.layers import Convolution2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.optimizers import SGD
from keras.utils import np_utils

input_shape = (8, 8, 1)
X = np.random.uniform(0, 1, (96,) + input_shape).astype('float32')
y = np_utils.to_categorical((X[:, :4].mean(axis=(1, 2, 3)) > 0.5).astype('int'), 2)


def make_teacher():
    model = Sequential()
    model.add(Convolution2D(4, 3, 3, input_shape=input_shape, border_mode='same', name='conv1',
                            dim_ordering='tf'))
    model.add(MaxPooling2D(name='pool1', dim_ordering='tf'))
    model.add(Flatten(name='flatten'))
    model.add(Dense(8, activation='relu', name='fc1'))
    model.add(Dense(2, activation='softmax', name='fc2'))
    model.compile(loss='categorical_crossentropy', optimizer=SGD(lr=0.05, momentum=0.9),
                  metrics=['accuracy'])
    return model


def wider_fc(w1, b1, w2, new_width):
    extra = np.random.randint(w1.shape[1], size=new_width - w1.shape[1])
    factor = np.bincount(extra, minlength=w1.shape[1]) + 1.
    student_w1 = np.concatenate((w1, w1[:, extra]), axis=1)
    student_b1 = np.concatenate((b1, b1[extra]))
    scaled = w2 / factor[:, np.newaxis]
    return student_w1, student_b1, np.concatenate((scaled, scaled[extra]), axis=0)


teacher = make_teacher()
teacher.fit(X[:64], y[:64], nb_epoch=2, batch_size=16, verbose=2)

student = Sequential()
student.add(Convolution2D(4, 3, 3, input_shape=input_shape, border_mode='same', name='conv1',
                          dim_ordering='tf'))
student.add(MaxPooling2D(name='pool1', dim_ordering='tf'))
student.add(Flatten(name='flatten'))
student.add(Dense(12, activation='relu', name='fc1'))
student.add(Dense(12, activation='relu', init='identity', name='fc1-deeper'))
student.add(Dense(2, activation='softmax', name='fc2'))
student.compile(loss='categorical_crossentropy', optimizer=SGD(lr=0.01, momentum=0.9),
                metrics=['accuracy'])
w_conv, b_conv = teacher.get_layer('conv1').get_weights()
w1, b1 = teacher.get_layer('fc1').get_weights()
w2, b2 = teacher.get_layer('fc2').get_weights()
new_w1, new_b1, new_w2 = wider_fc(w1, b1, w2, 12)
student.get_layer('conv1').set_weights([w_conv, b_conv])
student.get_layer('fc1').set_weights([new_w1, new_b1])
student.get_layer('fc1-deeper').set_weights([np.eye(12), np.zeros(12)])
student.get_layer('fc2').set_weights([new_w2, b2])
difference = np.abs(teacher.predict(X[64:]) - student.predict(X[64:])).max()
print('Largest difference:', difference)
assert difference < 1e-5
student.fit(X[:64], y[:64], nb_epoch=1, batch_size=16, verbose=2)
