# %% [markdown]
# # Classification of images
#
# A residual network recognizes handwritten digits. Its stages are plain functions that call a
# function for each block; cornu records these calls, so that the summary, the picture and
# `model.block` speak of residual blocks instead of single layers.

# %%
import numpy as np

import cornu
from cornu import layers

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()


# %% [markdown]
# ## The model


# %%
def conv_bn(x, filters, strides=1):
    x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def residual_block(x, filters, strides=1):
    shortcut = x if strides == 1 else layers.Conv2D(filters, 1, strides)(x)
    x = layers.ReLU()(conv_bn(x, filters, strides))
    return layers.ReLU()(layers.Add()([shortcut, conv_bn(x, filters)]))


def stage(x, filters, blocks):
    x = residual_block(x, filters, strides=2)
    for _ in range(blocks - 1):
        x = residual_block(x, filters)
    return x


image = cornu.Input((8, 8), name="image")
x = layers.Reshape((8, 8, 1))(image) / 16
x = layers.ReLU()(conv_bn(x, 16))
x = stage(x, 32, blocks=2)
digit = layers.Dense(10, "softmax", name="digit")(layers.GlobalAveragePooling2D()(x))
model = cornu.Model(image, digit, name="resnet")
model

# %%
cornu.inspect.plot_model(model, None, show_shapes=True, depth=1)

# %% [markdown]
# ## Training

# %%
model.compile(
    cornu.optimizers.Adam(cornu.optimizers.schedules.CosineDecay(5e-3, 8 * 23)),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train, y_train, batch_size=64, epochs=8, validation_data=(x_test, y_test), verbose=0
)
history.plot("accuracy")

# %% [markdown]
# ## Result
#
# The baseline assigns to an image the digit whose mean image is nearest.

# %%
means = np.stack([x_train[y_train == digit].mean(axis=0) for digit in range(10)])
nearest = ((x_test[:, None] - means) ** 2).sum(axis=(2, 3)).argmin(axis=1)
baseline = np.mean(nearest == y_test)
accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
print("hardest digit:", max(range(10), key=lambda d: np.mean(nearest[y_test == d] != d)))
print(f"accuracy {accuracy:.1%}; nearest mean image {baseline:.1%}")
assert accuracy > max(0.97, baseline)
