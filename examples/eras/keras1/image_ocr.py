"""Reads text from pictures: convolutions, recurrent layers and a CTC loss in a Lambda layer."""
from __future__ import print_function
import numpy as np
np.random.seed(13)

from keras import backend as K
from keras.layers import (Activation, Convolution2D, Dense, GRU, Input, Lambda, MaxPooling2D,
                          Reshape, TimeDistributed, merge)
from keras.models import Model
from keras.optimizers import SGD

K.set_image_dim_ordering('tf')
img_w, img_h, nb_letters, max_len = 24, 8, 5, 3


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    y_pred = y_pred[:, 2:, :]
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


input_data = Input(name='the_input', shape=(img_w, img_h, 1), dtype='float32')
inner = Convolution2D(4, 3, 3, border_mode='same', activation='relu', name='conv1')(input_data)
inner = MaxPooling2D(pool_size=(2, 2), name='max1')(inner)
inner = Reshape(target_shape=(img_w // 2, (img_h // 2) * 4), name='reshape')(inner)
inner = TimeDistributed(Dense(8, name='dense1'))(inner)
gru_1 = GRU(8, return_sequences=True, name='gru1')(inner)
gru_1b = GRU(8, return_sequences=True, go_backwards=True, name='gru1_b')(inner)
gru1_merged = merge([gru_1, gru_1b], mode='sum')
inner = TimeDistributed(Dense(nb_letters + 1, name='dense2'))(gru1_merged)
y_pred = Activation('softmax', name='softmax')(inner)
labels = Input(name='the_labels', shape=[max_len], dtype='float32')
input_length = Input(name='input_length', shape=[1], dtype='int64')
label_length = Input(name='label_length', shape=[1], dtype='int64')
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name='ctc')(
    [y_pred, labels, input_length, label_length])
sgd = SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True, clipnorm=5)
model = Model(input=[input_data, labels, input_length, label_length], output=[loss_out])
model.compile(loss={'ctc': lambda y_true, y_pred: y_pred}, optimizer=sgd)
test_func = K.function([input_data], [y_pred])

np.random.seed(14)
texts = np.random.randint(0, nb_letters, (64, max_len))
pictures = np.zeros((64, img_w, img_h, 1))
for picture, text in zip(pictures, texts):
    for i, letter in enumerate(text):
        picture[8 * i + 1: 8 * i + 6, letter: letter + 3] = 1
inputs = {'the_input': pictures, 'the_labels': texts.astype('float32'),
          'input_length': np.full((64, 1), img_w // 2 - 2), 'label_length': np.full((64, 1), 3)}
X = [inputs[name] for name in ('the_input', 'the_labels', 'input_length', 'label_length')]
model.fit(X, np.zeros((64,)), batch_size=16, nb_epoch=2, verbose=2)
print(np.argmax(test_func([pictures[:2]])[0], axis=-1))
