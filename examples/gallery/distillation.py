# %% [markdown]
# # Knowledge distillation
#
# A small model learns from the probabilities of a large one. The teacher, a convolutional network,
# has been trained on all digits. The student has 20 times fewer weights and gets the images
# without their labels: all that it learns comes from the teacher. It is compared with the same
# model, trained on the labels of 100 images.

# %%
import numpy as np

import cornu
from cornu import layers
from cornu.distillation import Distiller, LogitsDistillation

cornu.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
x_train, x_test = (part[..., None].astype("float32") / 16 for part in (x_train, x_test))
loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)


def accuracy_of(model):
    return np.mean(model.predict(x_test, verbose=0).argmax(axis=1) == y_test)


# %% [markdown]
# ## The teacher


# %%
def conv_unit(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


image = cornu.Input((8, 8, 1), name="image")
x = layers.MaxPooling2D()(conv_unit(conv_unit(image, 16), 32))
x = layers.Dropout(0.3)(layers.Flatten()(x))
x = layers.Dense(64, "relu")(x)
teacher = cornu.Model(image, layers.Dense(10)(x), name="teacher")
teacher.compile("adam", loss)
teacher.fit(x_train, y_train, epochs=8, verbose=0)
print(f"teacher: {teacher.count_params():,} weights, accuracy {accuracy_of(teacher):.1%}")


# %% [markdown]
# ## The student
#
# `student_loss_weight=0` leaves only the divergence from the outputs of the teacher, at a
# temperature of 3. The targets that `fit` gets are not used.


# %%
def make_student():
    image = cornu.Input((8, 8, 1), name="image")
    x = layers.Dense(24, "relu")(layers.Flatten()(image))
    return cornu.Model(image, layers.Dense(10)(x), name="student")


student = make_student()
distiller = Distiller(teacher, student, LogitsDistillation(3.0), student_loss_weight=0.0)
distiller.compile(cornu.optimizers.Adam(3e-3), loss)
distiller.fit(x_train, np.zeros(len(x_train), int), epochs=20, verbose=0)

alone = make_student()
alone.compile(cornu.optimizers.Adam(3e-3), loss)
alone.fit(x_train[:100], y_train[:100], epochs=100, verbose=0)
student

# %% [markdown]
# ## Result

# %%
distilled, baseline = accuracy_of(student), accuracy_of(alone)
agree = np.mean(
    student.predict(x_test, verbose=0).argmax(1) == teacher.predict(x_test, verbose=0).argmax(1)
)
print(f"student: {student.count_params():,} weights, agrees with the teacher on {agree:.1%}")
print(f"accuracy {distilled:.1%} without labels; with 100 labels {baseline:.1%}")
assert distilled > baseline + 0.02
