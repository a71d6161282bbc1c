"""Mistakes in fit(), evaluate() and predict()."""

import numpy as np
import pandas as pd

import cornu
from cornu import Input, Model, Sequential, layers
from tests.messages.table import wrong

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
LABELS = np.arange(12) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def classifier(loss="mse"):
    model = Sequential(
        [Input((4,), name="pixels"), layers.Dense(3, activation="softmax", name="out")], name="net"
    )
    model.compile("sgd", loss)
    return model


def two_headed():
    x = Input((4,), name="x")
    outputs = [layers.Dense(1, name="age")(x), layers.Dense(3, name="kind")(x)]
    model = Model(x, outputs, name="net")
    model.compile("sgd", ["mse", "mse"])
    return model


@wrong(
    TypeError,
    """
Sequential.fit() got an unexpected keyword argument 'epoch'. Did you mean 'epochs'?
fit() was called (at fitting.py:1).
""",
)
def fit_with_a_misspelled_argument():
    """An argument of fit is misspelled."""
    classifier().fit(X, ONE_HOT, epoch=3)


@wrong(
    RuntimeError,
    """
Model 'net' must be compiled before fit: call model.compile(optimizer=..., loss=...).
fit() was called (at fitting.py:2).
""",
)
def fit_before_compile():
    """fit before compile."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.fit(X, ONE_HOT)


@wrong(
    ValueError,
    """
Model 'net' has no loss to minimize: compile it with a loss, add losses in layers, or override \
`compute_loss`.
fit() was called (at fitting.py:3).
""",
)
def no_loss():
    """compile without a loss."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam")
    model.fit(X, ONE_HOT, verbose=0)


@wrong(
    ValueError,
    """
Model 'net' has no loss to minimize: compile it with a loss, add losses in layers, or override \
`compute_loss`.
evaluate() was called (at fitting.py:3).
""",
)
def evaluate_without_loss():
    """evaluate a model without a loss."""
    model = Sequential([Input((4,)), layers.Dense(3)], name="net")
    model.compile("adam")
    model.evaluate(X, ONE_HOT, verbose=0)


@wrong(
    ValueError,
    """
Target of output 'out' with loss 'mse': y has the shape (12,), the output (None, 3). The shapes \
must be equal, up to a last axis of size 1; they are not broadcast.
Reshape y to the output's shape, or change the last layer.
fit() was called (at fitting.py:1).
""",
)
def targets_that_would_broadcast():
    """Targets of a shape that would silently broadcast against the outputs."""
    classifier("mse").fit(X, LABELS.astype("float32"))


@wrong(
    ValueError,
    """
Target of output 'out' with loss 'categorical_crossentropy': y has the shape (12,), the output \
(None, 3). The shapes must be equal, up to a last axis of size 1; they are not broadcast.
For integer labels use the loss 'sparse_categorical_crossentropy', or convert them to one-hot \
rows with cornu.utils.to_categorical.
fit() was called (at fitting.py:1).
""",
)
def labels_for_categorical_crossentropy():
    """Integer labels with the loss for one-hot rows."""
    classifier("categorical_crossentropy").fit(X, LABELS)


@wrong(
    ValueError,
    """
Target of output 'out' with loss 'sparse_categorical_crossentropy': y has the shape (12, 3), the\
 output (None, 3). Expected one integer label for each position: shape ('batch',).
For one-hot rows use the loss 'categorical_crossentropy'.
fit() was called (at fitting.py:1).
""",
)
def one_hot_rows_for_the_sparse_loss():
    """One-hot rows with the loss for integer labels."""
    classifier("sparse_categorical_crossentropy").fit(X, ONE_HOT)


@wrong(
    ValueError,
    """
Target of output 'out' with loss 'sparse_categorical_crossentropy': labels range from 1 to 3, \
but the output has 3 classes, 0 to 2. If the labels start at 1, subtract 1.
Give the last layer one unit per class, renumber the labels, or pass the label of missing values\
 to the loss (ignore_class).
fit() was called (at fitting.py:1).
""",
)
def labels_from_one():
    """Labels count from 1, the classes from 0."""
    classifier("sparse_categorical_crossentropy").fit(X, LABELS + 1)


@wrong(
    ValueError,
    """
Target of output 'out' with loss 'sparse_categorical_crossentropy': labels range from 0 to 20, \
but the output has 3 classes, 0 to 2.
Give the last layer one unit per class, renumber the labels, or pass the label of missing values\
 to the loss (ignore_class).
fit() was called (at fitting.py:1).
""",
)
def labels_out_of_range():
    """A label is larger than the number of units."""
    classifier("sparse_categorical_crossentropy").fit(X, LABELS * 10)


@wrong(
    ValueError,
    """
Target of output 'out' with loss 'binary_crossentropy': y ranges from -1.0 to 1.0; probabilities\
 must be between 0 and 1.
Rescale y; for labels -1 and 1 use the loss 'hinge'.
fit() was called (at fitting.py:3).
""",
)
def labels_of_minus_one():
    """Labels -1 and 1 with a loss of probabilities."""
    model = Sequential([Input((4,)), layers.Dense(1, name="out")], name="net")
    model.compile("sgd", "binary_crossentropy")
    model.fit(X, np.where(LABELS > 0, 1.0, -1.0))


@wrong(
    ValueError,
    """
Input 'ids', which feeds layer 'words': expected integers between 0 and 9 (input_dim=10), \
received values between 10 and 10. Set input_dim to the largest integer plus one, or map unknown\
 values to an index of their own.
predict() was called (at fitting.py:4).
""",
)
def ids_out_of_range():
    """An id is larger than the vocabulary."""
    model = Sequential(
        [Input((5,), dtype="int32", name="ids"), layers.Embedding(10, 2, name="words")], name="net"
    )
    model.predict(np.full((2, 5), 10))


@wrong(
    ValueError,
    """
Sequential 'net': input 'pixels' expects the shape (None, 4); received (12, 3).
Reshape the data, or change the shape of the Input.
fit() was called (at fitting.py:1).
""",
)
def data_of_another_shape():
    """Data with another number of features than the input."""
    classifier().fit(X[:, :3], ONE_HOT)


@wrong(
    ValueError,
    """
Sequential 'net': input 'pixels' expects the shape (None, 4); received (4,).
The batch axis seems to be missing: pass x[None] for a single sample.
predict() was called (at fitting.py:1).
""",
)
def image_without_batch():
    """predict on one sample."""
    classifier().predict(X[0])


@wrong(
    ValueError,
    """
The arrays have different numbers of rows (x: 12, y: 10). Each sample needs one row in every \
array.
fit() was called (at fitting.py:1).
""",
)
def different_numbers_of_rows():
    """x and y of different lengths."""
    classifier().fit(X, ONE_HOT[:10])


@wrong(
    ValueError,
    """
The data is empty: x has 0 rows.
fit() was called (at fitting.py:1).
""",
)
def empty_data():
    """A filter that left nothing."""
    classifier().fit(X[:0], ONE_HOT[:0])


@wrong(
    ValueError,
    """
Model 'net': x is None; inputs are required.
fit() was called (at fitting.py:1).
""",
)
def no_data():
    """x is None."""
    classifier().fit(None, ONE_HOT)


@wrong(
    ValueError,
    """
Output 'out' has a loss but no target. Received y=None. Pass a target for it, or None as its \
loss.
fit() was called (at fitting.py:1).
""",
)
def no_targets():
    """y is forgotten."""
    classifier().fit(X)


@wrong(
    ValueError,
    """
Input 'pixels' contains NaN: 1 value in 1 row, the first at index (3, 1).
Replace or drop them (np.nan_to_num, np.isfinite); for missing time steps, use the mask_value of\
 a Masking layer.
fit() was called (at fitting.py:3).
""",
)
def nan_in_the_data():
    """A missing value."""
    x = X.copy()
    x[3, 1] = np.nan
    classifier().fit(x, ONE_HOT)


@wrong(
    TypeError,
    """
x contains strings, not numbers. Convert it to numbers first: categories to integers, texts to \
token ids, None to finite values.
fit() was called (at fitting.py:1).
""",
)
def strings():
    """Texts instead of numbers."""
    classifier().fit(np.array([["a", "b", "c", "d"]] * 12), ONE_HOT)


@wrong(
    TypeError,
    """
x contains objects (None, float, int), not numbers. Convert it to numbers first: categories to \
integers, texts to token ids, None to finite values.
fit() was called (at fitting.py:1).
""",
)
def objects():
    """An array of objects, as mixed columns become."""
    classifier().fit(np.array([[1, "red", None, 2.0]] * 12, dtype=object), ONE_HOT)


@wrong(
    ValueError,
    """
x is ragged: its rows have different lengths and do not form an array.
Pad it, for example with cornu.utils.pad_sequences.
fit() was called (at fitting.py:1).
""",
)
def ragged_lists():
    """Sequences of different lengths."""
    classifier().fit([[1.0, 2.0], [3.0]], ONE_HOT[:2])


@wrong(
    ValueError,
    """
Sequential 'net': expected one input, 'pixels' (None, 4); received a list of 2.
Pass one array for each input, in a list or in a dict by name.
fit() was called (at fitting.py:1).
""",
)
def too_many_inputs():
    """A list of two arrays for one input."""
    classifier().fit([X, X], ONE_HOT)


@wrong(
    ValueError,
    """
Model 'net': input 'right' is missing. Received the names ['left', 'rigth']. The model has the \
inputs ['left', 'right'].
Did you mean 'right' instead of 'rigth'?
predict() was called (at fitting.py:3).
""",
)
def a_missing_key():
    """A dict without one of the inputs."""
    a, b = Input((4,), name="left"), Input((4,), name="right")
    model = Model([a, b], layers.Add()([a, b]), name="net")
    model.predict({"left": X, "rigth": X})


@wrong(
    ValueError,
    """
Model 'net': input 'image' expects the shape (None, 4); received (2, 7).
The shape matches input 'text': check the order of the inputs, or pass a dict by name.
predict() was called (at fitting.py:3).
""",
)
def inputs_exchanged():
    """Two inputs in the wrong order."""
    image, text = Input((4,), name="image"), Input((7,), name="text")
    model = Model([image, text], layers.Concatenate()([image, text]), name="net")
    model.predict([np.ones((2, 7)), np.ones((2, 4))])


@wrong(
    ValueError,
    """
y: the model has no output 'kinds'. Did you mean 'kind'?
fit() was called (at fitting.py:1).
""",
)
def target_of_an_unknown_output():
    """A dict of targets with a misspelled name."""
    two_headed().fit(X, {"age": LABELS, "kinds": ONE_HOT})


@wrong(
    ValueError,
    """
y: the model has 2 outputs (age, kind); received one array.
Pass a list with one entry for each output, or a dict by output name.
fit() was called (at fitting.py:1).
""",
)
def one_target_for_two_outputs():
    """One array of targets for two outputs."""
    two_headed().fit(X, ONE_HOT)


@wrong(
    ValueError,
    """
class_weight: the model has the outputs ['age', 'kind']. Pass a dict by output name: {name: \
{class: weight}}.
fit() was called (at fitting.py:1).
""",
)
def class_weight_of_several_outputs():
    """class_weight does not say of which output."""
    two_headed().fit(X, [LABELS, ONE_HOT], class_weight={0: 1.0, 1: 2.0})


@wrong(
    ValueError,
    """
The arrays have different numbers of rows (x: 12, y: 12, sample_weight: 5). Each sample needs \
one row in every array.
fit() was called (at fitting.py:1).
""",
)
def sample_weight_of_another_length():
    """Too few weights."""
    classifier().fit(X, ONE_HOT, sample_weight=np.ones(5))


@wrong(
    ValueError,
    """
epochs must be an integer >= 1. Received: -1
fit() was called (at fitting.py:1).
""",
)
def no_epochs():
    """No epoch at all."""
    classifier().fit(X, ONE_HOT, epochs=-1)


@wrong(
    ValueError,
    """
epochs must be an integer >= 1. Received: 5.0
Write epochs=5.
fit() was called (at fitting.py:1).
""",
)
def epochs_as_a_float():
    """The number of epochs was computed by a division."""
    classifier().fit(X, ONE_HOT, epochs=10 / 2)


@wrong(
    ValueError,
    """
batch_size must be a positive integer. Received: 0
fit() was called (at fitting.py:1).
""",
)
def no_batch_size():
    """A batch of nothing."""
    classifier().fit(X, ONE_HOT, batch_size=0)


@wrong(
    ValueError,
    """
validation_split must be between 0 and 1. Received: 20
Write 0.2 for 20 percent.
fit() was called (at fitting.py:1).
""",
)
def validation_split_in_percent():
    """The part of the data that is kept is a fraction."""
    classifier().fit(X, ONE_HOT, validation_split=20)


@wrong(
    ValueError,
    """
validation_split needs arrays; x is an iterable of batches of unknown length (generator).
Pass validation_data=another iterable.
fit() was called (at fitting.py:1).
""",
)
def validation_split_of_a_generator():
    """A generator cannot be split."""
    classifier().fit(((X, ONE_HOT) for _ in range(2)), validation_split=0.2)


@wrong(
    TypeError,
    """
callbacks: expected Callback objects, received the class EarlyStopping. Pass an instance: \
EarlyStopping(...).
fit() was called (at fitting.py:1).
""",
)
def a_class_as_callback():
    """The class of a callback instead of a callback."""
    classifier().fit(X, ONE_HOT, callbacks=[cornu.callbacks.EarlyStopping])


@wrong(
    TypeError,
    """
callbacks: expected Callback objects, received <built-in function print> (of type \
builtin_function_or_method). Derive the class from cornu.callbacks.Callback, or pass functions \
to LambdaCallback(on_epoch_end=...).
fit() was called (at fitting.py:1).
""",
)
def a_function_as_callback():
    """A function is no callback."""
    classifier().fit(X, ONE_HOT, callbacks=print)


@wrong(
    ValueError,
    """
A batch must be x, (x, y) or (x, y, sample_weight). Received a tuple of 4.
Pass several inputs as one list or dict: ([a, b], y).
fit() was called (at fitting.py:1).
""",
)
def a_generator_of_four():
    """A generator yields tuples of four."""
    classifier().fit((X, ONE_HOT, None, None) for _ in range(2))


@wrong(
    ValueError,
    """
The data ended after 1 batch of an epoch of 3.
Pass an infinite iterable, or a smaller `steps_per_epoch`.
fit() was called (at fitting.py:1).
""",
)
def a_generator_that_ends_early():
    """A generator gives fewer batches than steps_per_epoch promises."""
    classifier().fit(((X, ONE_HOT) for _ in range(1)), steps_per_epoch=3, verbose=0)


@wrong(
    ValueError,
    """
The data has no batches in this epoch: a generator can be read only once.
Pass an iterable that can be iterated repeatedly, or `steps_per_epoch`.
fit() was called (at fitting.py:1).
""",
)
def a_generator_for_two_epochs():
    """A generator can be read once."""
    classifier().fit(((X, ONE_HOT) for _ in range(1)), epochs=2, verbose=0)


@wrong(
    ValueError,
    """
Sequential 'net': input 'pixels' expects the shape (None, 4); received (12, 3).
Reshape the data, or change the shape of the Input.
This was batch 1 of the data; the first is 0.
fit was in epoch 1 of 1, after 1 step of it; the model has the weights of that step.
fit() was called (at fitting.py:1).
""",
)
def a_generator_that_changes():
    """A later batch is of another shape than the first."""
    classifier().fit(iter([(X, ONE_HOT), (X[:, :3], ONE_HOT)]), verbose=0)


@wrong(
    ValueError,
    """
x is an iterable of batches (generator): y and sample_weight must be part of the batches, (x, y)\
 or (x, y, sample_weight).
fit() was called (at fitting.py:1).
""",
)
def a_generator_and_targets():
    """y beside a generator."""
    classifier().fit(((X, ONE_HOT) for _ in range(2)), ONE_HOT)


@wrong(
    TypeError,
    """
x is the string 'train.csv', not data.
If it is the path of a file, read the file first (numpy.load, numpy.loadtxt, pandas.read_csv).
fit() was called (at fitting.py:1).
""",
)
def a_file_name_as_data():
    """A file's name instead of its contents."""
    classifier().fit("train.csv", ONE_HOT)


@wrong(
    ValueError,
    """
Sequential 'net': input 'pixels' expects the shape (None, 4); received (12, 2).
Reshape the data, or change the shape of the Input.
The data is that of validation_data or validation_split.
fit() was called (at fitting.py:1).
""",
)
def validation_data_of_another_shape():
    """Validation data that does not fit."""
    classifier().fit(X, ONE_HOT, validation_data=(X[:, :2], ONE_HOT), verbose=0)


@wrong(
    ValueError,
    """
verbose must be 0 (silent), 1 (progress bar), 2 (one line per epoch) or 'auto'. Received: 'loud'
fit() was called (at fitting.py:1).
""",
)
def verbose_misspelled():
    """verbose is a word that does not exist."""
    classifier().fit(X, ONE_HOT, verbose="loud")


@wrong(
    TypeError,
    """
x is the function 'batches', not data.
If it returns a generator, call it: fit(batches(), ...).
fit() was called (at fitting.py:4).
""",
)
def a_function_as_data():
    """A generator function that is not called."""

    def batches():
        yield X, ONE_HOT

    classifier().fit(batches, epochs=1)


@wrong(
    ValueError,
    """
Batch 1 of the data is not compatible with the first batch, number 0:
  y: expected float32 (12, 3), received nothing
All batches must have the same structure, number of axes and dtype.
fit was in epoch 1 of 1, after 1 step of it; the model has the weights of that step.
fit() was called (at fitting.py:1).
""",
)
def a_generator_that_forgets_targets():
    """A later batch has no targets."""
    classifier().fit(iter([(X, ONE_HOT), (X,)]), verbose=0)


@wrong(
    ValueError,
    """
Batch 1 of the data is empty: x has the shape (0, 4).
Filter out empty batches.
fit was in epoch 1 of 1, after 1 step of it; the model has the weights of that step.
fit() was called (at fitting.py:1).
""",
)
def an_empty_batch():
    """A filter left a batch without rows."""
    classifier().fit(iter([(X, ONE_HOT), (X[:0], ONE_HOT[:0])]), verbose=0)


@wrong(
    ValueError,
    """
The data has 12 rows, which gives 3 batches of 4, but steps=5.
Pass fewer steps, or None for all data.
evaluate() was called (at fitting.py:1).
""",
)
def more_steps_than_data():
    """evaluate for more steps than there are batches."""
    classifier().evaluate(X, ONE_HOT, batch_size=4, steps=5, verbose=0)


@wrong(
    TypeError,
    """
x contains strings, not numbers, in the columns c. Convert them to numbers first: categories to \
integers, texts to token ids, None to finite values.
fit() was called (at fitting.py:2).
""",
)
def a_column_of_texts():
    """A DataFrame with a column of texts."""
    table = pd.DataFrame(X, columns=list("abcd")).assign(c=["red"] * 12)
    classifier().fit(table, ONE_HOT)


@wrong(
    ValueError,
    """
x has no column 'labels'. Did you mean 'label'?
fit() was called (at fitting.py:2).
""",
)
def an_unknown_column():
    """The name of a column of targets that is not there."""
    table = pd.DataFrame(X, columns=list("abcd")).assign(label=LABELS)
    classifier("sparse_categorical_crossentropy").fit(table, "labels")


@wrong(
    TypeError,
    """
Model 'model': input 'text' expects strings; received float32.
Convert the numbers to strings, x.astype(str), or create the input with Input(shape, dtype=...) \
of numbers and a layer for numbers, such as IntegerLookup.
predict() was called (at fitting.py:3).
""",
)
def numbers_for_strings():
    """Numbers for an input of strings."""
    text = Input((), dtype="string", name="text")
    lookup = layers.StringLookup(vocabulary=["a"], name="lookup")
    Model(text, lookup(text), name="model").predict(np.ones(4))


@wrong(
    RuntimeError,
    """
TextVectorization layer 'vectorize' (at fitting.py:3), called on shape (1,): StringLookup layer \
'vectorize_lookup' has no vocabulary yet.
Call adapt(data) first, or pass a vocabulary to the constructor.
""",
)
def a_vectorizer_without_a_vocabulary():
    """A model of strings before its vectorizer is adapted."""
    text = Input((), dtype="string", name="text")
    vectorize = layers.TextVectorization(name="vectorize")
    Model(text, vectorize(text), name="model").predict(["a text"])
