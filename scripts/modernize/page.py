"""The tables of docs/modernize.md, and why some programs do not compute the same."""

from cornu.modernize import load_era, modernize_source

_GRADIENTS = "`K.gradients` and `K.function`: symbolic gradients do not exist in Keras 3"
_IMAGES = "`ImageDataGenerator` does not exist in Keras 3"
_LOSS = "the loss uses Tensors of the model, which Keras 3 does not take"
_SCIKIT = "`KerasClassifier` became `SKLearnClassifier`, whose model is made by another function"

REASONS = {
    "keras1/augmentation": _IMAGES,
    "keras1/deep_dream": _GRADIENTS,
    "keras1/embeddings_tensorboard": "`Tokenizer` and `skipgrams` do not exist in Keras 3",
    "keras1/filter_visualization": _GRADIENTS,
    "keras1/gradcam": _GRADIENTS,
    "keras1/grid_search": _SCIKIT,
    "keras1/imdb_lstm": "`Embedding(dropout=...)` does not exist in Keras 3",
    "keras1/style_transfer": _GRADIENTS,
    "keras2/callbacks": "`ModelCheckpoint(period=...)` does not exist in Keras 3",
    "keras2/deep_dream": _GRADIENTS,
    "keras2/filter_visualization": _GRADIENTS,
    "keras2/gradcam": _GRADIENTS,
    "keras2/grid_search": _SCIKIT,
    "keras2/image_generator": _IMAGES,
    "keras2/regression": "`clipnorm` and `clipvalue` cannot be combined in Keras 3",
    "keras2/sequence_and_files": "`Tokenizer` does not exist in Keras 3",
    "keras2/style_transfer": _GRADIENTS,
    "keras2/transfer_learning": "frozen BatchNormalization layers compute with moving averages",
    "keras1/variational_autoencoder": _LOSS,
    "keras2/vae": _LOSS,
}

# The first line of the table in docs/modernize.md; the text before it is not generated.
TABLE = "| program | lines | marks | compared | difference | equal | reason |"
RULE = "| --- | --- | --: | --- | --: | --- | --- |"

# The columns of the table of optimizers: the version, and where programs import them from.
OPTIMIZERS = "| call | Keras 1.2.2 | Keras 2.2.4, 2.3.1 | `tf.keras.optimizers.legacy` |"
_COLUMNS = (
    ("keras1", "keras.optimizers"),
    ("keras2", "keras.optimizers"),
    ("keras2", "tensorflow.keras.optimizers.legacy"),
)
_CALLS = (
    *("SGD()", "RMSprop()", "Adagrad()", "Adadelta()", "Adam()", "Adamax()", "Nadam()"),
    *("RMSprop(epsilon=1e-3)", "Adam(clipnorm=1.0)", "SGD(decay=0.1)"),
)


def optimizer_table():
    """Returns what calls of optimizers become, as lines of a table."""
    lines = [OPTIMIZERS, "| --- | --- | --- | --- |"]
    for call in _CALLS:
        cells = [call]
        for version, module in _COLUMNS:
            program = f"from {module} import {call.partition('(')[0]}\n\nmade = {call}\n"
            new = modernize_source(program, load_era(version)).text
            cells.append(" ".join(new.rpartition("made = ")[2].split()))
        lines.append(f"| {' | '.join(f'`{cell}`' for cell in cells)} |")
    return lines


def with_optimizers(text):
    """Returns the page with the table of optimizers as it is now."""
    before, _, rest = text.partition(OPTIMIZERS)
    return before + "\n".join(optimizer_table()) + "\n\n" + rest.partition("\n\n")[2]
