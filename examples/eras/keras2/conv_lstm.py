"""ConvLSTM2D: the next frame of a film of moving squares."""

import numpy as np
from keras.layers.convolutional import Conv3D
from keras.layers.convolutional_recurrent import ConvLSTM2D
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential

random = np.random.RandomState(18)
films = np.zeros((12, 5, 8, 8, 1))
for film in films:
    row, column = random.randint(0, 4, size=2)
    for t in range(5):
        film[t, row:row + 2, (column + t) % 7:(column + t) % 7 + 2] = 1
x, y = films[:, :-1], films[:, 1:]

seq = Sequential()
seq.add(ConvLSTM2D(filters=4, kernel_size=(3, 3), input_shape=(None, 8, 8, 1), padding='same',
                   return_sequences=True))
seq.add(BatchNormalization())
seq.add(Conv3D(filters=1, kernel_size=(3, 3, 3), activation='sigmoid', padding='same',
               data_format='channels_last'))
seq.compile(loss='binary_crossentropy', optimizer='adadelta')
seq.fit(x, y, batch_size=4, epochs=1, verbose=0)
print(seq.predict(x[:1]).shape)
