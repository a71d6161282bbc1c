"""A convolutional LSTM that predicts the next frames of moving squares."""
import numpy as np
np.random.seed(12)

from keras.layers.convolutional import Convolution3D
from keras.layers.convolutional_recurrent import ConvLSTM2D
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential

frames, size = 5, 10
movies = np.zeros((24, frames + 1, size, size, 1), dtype='float32')
for movie in movies:
    x, y = np.random.randint(0, 4, 2)
    for t in range(frames + 1):
        movie[t, x + t // 2: x + t // 2 + 2, y + t: y + t + 2] = 1

seq = Sequential()
seq.add(ConvLSTM2D(nb_filter=6, nb_row=3, nb_col=3, input_shape=(None, size, size, 1),
                   border_mode='same', return_sequences=True, dim_ordering='tf'))
seq.add(BatchNormalization())
seq.add(ConvLSTM2D(nb_filter=6, nb_row=3, nb_col=3, border_mode='same', return_sequences=True,
                   dim_ordering='tf'))
seq.add(BatchNormalization())
seq.add(Convolution3D(nb_filter=1, kernel_dim1=1, kernel_dim2=3, kernel_dim3=3,
                      activation='sigmoid', border_mode='same', dim_ordering='tf'))
seq.compile(loss='binary_crossentropy', optimizer='adadelta')
seq.fit(movies[:, :-1], movies[:, 1:], batch_size=8, nb_epoch=2, validation_split=0.05, verbose=2)
track = seq.predict(movies[:1, :-1])
print(track.shape)
