"""Recognition of texts in pictures: a recurrent network and the CTC loss in a Lambda layer."""

import numpy as np
from keras import backend as K
from keras.layers import GRU, Dense, Input, Lambda, Reshape, add, concatenate
from keras.layers.convolutional import Conv2D, MaxPooling2D
from keras.models import Model
from keras.optimizers import SGD

random = np.random.RandomState(19)
count, width, height, classes, length = 24, 16, 8, 6, 3
pictures = random.uniform(size=(count, width, height, 1))
labels = random.randint(0, classes - 1, size=(count, length)).astype('float32')


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    return K.ctc_batch_cost(labels, y_pred[:, 1:, :], input_length, label_length)


picture = Input(name='the_input', shape=(width, height, 1), dtype='float32')
inner = Conv2D(4, (3, 3), padding='same', activation='relu', kernel_initializer='he_normal')(picture)
inner = MaxPooling2D(pool_size=(2, 2))(inner)
inner = Reshape(target_shape=(width // 2, height // 2 * 4))(inner)
inner = Dense(8, activation='relu')(inner)
forward = GRU(8, return_sequences=True, name='gru1')(inner)
backward = GRU(8, return_sequences=True, go_backwards=True, name='gru1_b')(inner)
merged = add([forward, backward])
again = GRU(8, return_sequences=True, name='gru2')(merged)
y_pred = Dense(classes, activation='softmax', name='softmax')(concatenate([again, merged]))

target = Input(name='the_labels', shape=[length], dtype='float32')
input_length = Input(name='input_length', shape=[1], dtype='int64')
label_length = Input(name='label_length', shape=[1], dtype='int64')
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name='ctc')(
    [y_pred, target, input_length, label_length])
model = Model(inputs=[picture, target, input_length, label_length], outputs=loss_out)
sgd = SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True, clipnorm=5)
model.compile(loss={'ctc': lambda y_true, y_pred: y_pred}, optimizer=sgd)
inputs = [pictures, labels, np.full((count, 1), width // 2 - 1), np.full((count, 1), length)]
model.fit(inputs, np.zeros(count), batch_size=8, epochs=1, verbose=0)
test = K.function([picture], [y_pred])
print(test([pictures[:2]])[0].shape)
