"""Transfer learning from an application: frozen layers below a new head."""
from __future__ import print_function
import numpy as np
np.random.seed(15)

from keras import backend as K
from keras.applications.vgg16 import VGG16, preprocess_input
from keras.layers import Dense, GlobalAveragePooling2D
from keras.models import Model
from keras.optimizers import SGD

K.set_image_dim_ordering('tf')
base_model = VGG16(weights=None, include_top=False, input_shape=(48, 48, 3))
x = GlobalAveragePooling2D()(base_model.output)
x = Dense(8, activation='relu')(x)
predictions = Dense(2, activation='softmax')(x)
model = Model(input=base_model.input, output=predictions)
for layer in base_model.layers:
    layer.trainable = False
model.compile(optimizer=SGD(lr=0.01, momentum=0.9), loss='categorical_crossentropy')
print(len(model.trainable_weights), 'of', len(model.weights), 'weights are trained')

np.random.seed(16)
X = preprocess_input(np.random.uniform(0, 255, (9, 48, 48, 3)))
y = np.eye(2)[np.random.randint(0, 2, 9)]
model.fit(X, y, batch_size=3, nb_epoch=1, verbose=2)
