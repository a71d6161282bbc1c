"""The table of docs/modernize.md, and why some programs do not compute the same."""

_GRADIENTS = "`K.gradients` and `K.function`: symbolic gradients do not exist in Keras 3"
_IMAGES = "`ImageDataGenerator` does not exist in Keras 3"
_LOSS = "the loss uses Tensors of the model, which Keras 3 does not take"
_SCIKIT = "`KerasClassifier` became `SKLearnClassifier`, whose model is made by another function"

REASONS = {
    "founding/functional": "`RMSprop` adds epsilon under the root: 4e-07 for three epochs",
    "keras1/augmentation": _IMAGES,
    "keras1/deep_dream": _GRADIENTS,
    "keras1/embeddings_tensorboard": "`Tokenizer` and `skipgrams` do not exist in Keras 3",
    "keras1/filter_visualization": _GRADIENTS,
    "keras1/gradcam": _GRADIENTS,
    "keras1/grid_search": _SCIKIT,
    "keras1/imdb_lstm": "`Embedding(dropout=...)` does not exist in Keras 3",
    "keras1/style_transfer": _GRADIENTS,
    "keras2/callbacks": "`ModelCheckpoint(period=...)` does not exist in Keras 3",
    "keras2/character_generation": "`RMSprop` adds epsilon under the root",
    "keras2/deep_dream": _GRADIENTS,
    "keras2/filter_visualization": _GRADIENTS,
    "keras2/gradcam": _GRADIENTS,
    "keras2/grid_search": _SCIKIT,
    "keras2/image_generator": _IMAGES,
    "keras2/regression": "`Nadam` changes its momentum otherwise, and clips in one way only",
    "keras2/sequence_and_files": "`Tokenizer` does not exist in Keras 3",
    "keras2/style_transfer": _GRADIENTS,
    "keras2/transfer_learning": "frozen BatchNormalization layers compute with moving averages",
    "keras1/variational_autoencoder": _LOSS,
    "keras2/vae": _LOSS,
}

# The first line of the table in docs/modernize.md; the text before it is not generated.
TABLE = "| program | lines | marks | compared | difference | equal | reason |"
RULE = "| --- | --- | --: | --- | --: | --- | --- |"
