"""Models in Keras 1: recurrent layers, wrappers, embeddings, merges and graphs."""

from scripts.old_models.keras1_cases import CASES, adam, case, functional, image, sequential, sgd

__all__ = ["CASES"]


@case(optimizer=adam, texts="yaml")
def lstm(keras):
    layers = keras.layers
    return sequential(
        keras, layers.LSTM(3, input_shape=(6, 2), return_sequences=True), layers.LSTM(2)
    )


@case(optimizer=sgd)
def gru(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.GRU(3, input_dim=2, input_length=6, return_sequences=True),
        layers.GRU(2, go_backwards=True, inner_activation="sigmoid"),
    )


@case(optimizer=sgd)
def simple_rnn(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.SimpleRNN(
            3, input_shape=(6, 2), return_sequences=True, activation="relu", unroll=True
        ),
        layers.SimpleRNN(2),
    )


@case(optimizer=adam)
def recurrent_gpu(keras):
    """Layers whose gates share one array."""
    layers = keras.layers
    x = layers.Input(shape=(5, 3))
    parts = [
        layer(2, consume_less="gpu", activation="sigmoid")(x) for layer in (layers.LSTM, layers.GRU)
    ]
    return functional(keras, x, layers.merge(parts, mode="concat"))


@case()
def recurrent_mem(keras):
    layers = keras.layers
    x = layers.Input(shape=(5, 3))
    kinds = (layers.LSTM, layers.GRU, layers.SimpleRNN)
    parts = [layer(2, consume_less="mem", dropout_W=0.2, dropout_U=0.3)(x) for layer in kinds]
    return functional(keras, x, parts)


@case()
def stateful(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.LSTM(3, batch_input_shape=(4, 5, 2), stateful=True, return_sequences=True),
        layers.GRU(2, stateful=True),
    )


@case()
def convolution_lstm(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.ConvLSTM2D(2, 3, 3, input_shape=(3,) + image(keras, 2, 4, 5), border_mode="same"),
    )


@case(optimizer=adam)
def bidirectional(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Bidirectional(layers.LSTM(2, return_sequences=True), input_shape=(5, 3)),
        layers.Bidirectional(layers.GRU(2), merge_mode="ave"),
    )


@case(optimizer=sgd)
def time_distributed(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.TimeDistributed(
            layers.Convolution2D(2, 2, 2), input_shape=(3,) + image(keras, 2, 4, 4)
        ),
        layers.TimeDistributed(layers.Flatten()),
        layers.TimeDistributedDense(3, activation="tanh"),
        layers.TimeDistributed(layers.Dense(2)),
    )


@case(optimizer=adam, ids={0: 7}, padded=True)
def embedding(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Embedding(7, 3, input_length=6, mask_zero=True),
        layers.LSTM(3, return_sequences=True),
        layers.GRU(2),
    )


@case(ids={0: 7})
def embedding_with_dropout(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Embedding(7, 3, input_length=6, dropout=0.2),
        layers.Flatten(),
        layers.Dense(2),
    )


@case(optimizer=adam, padded=True)
def masking(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Masking(0.0, input_shape=(6, 2)),
        layers.SimpleRNN(3, return_sequences=True),
        layers.TimeDistributed(layers.Dense(2)),
    )


@case(optimizer=sgd, texts="yaml")
def merges(keras):
    layers = keras.layers
    first, second = layers.Input(shape=(4,)), layers.Input(shape=(4,))
    parts = [layers.merge([first, second], mode=mode) for mode in ("sum", "mul", "max", "ave")]
    parts += [layers.merge([first, second], mode="concat", concat_axis=1)]
    parts += [layers.merge([first, second], mode="dot", dot_axes=1)]
    return functional(keras, [first, second], layers.Dense(2)(layers.merge(parts, mode="concat")))


@case()
def merge_of_products(keras):
    layers = keras.layers
    first, second = layers.Input(shape=(3, 4)), layers.Input(shape=(5, 4))
    third = layers.Input(shape=(5, 4))
    parts = [layers.merge([first, second], mode="dot", dot_axes=[2, 2])]
    parts += [layers.merge([second, third], mode="cos", dot_axes=2)]
    return functional(keras, [first, second, third], parts)


@case(optimizer=sgd)
def two_towers(keras):
    layers = keras.layers
    left = sequential(keras, layers.Dense(3, input_dim=4, activation="tanh"))
    right = sequential(keras, layers.Dense(2, input_dim=5), layers.Activation("relu"))
    return sequential(
        keras,
        layers.Merge([left, right], mode="concat"),
        layers.Dense(2, activation="sigmoid"),
    )


@case(
    optimizer=adam,
    loss=["mse", "binary_crossentropy"],
    loss_weights=[0.3, 2.0],
    metrics=["accuracy"],
    texts=True,
)
def inputs_and_outputs(keras):
    layers = keras.layers
    a, b = layers.Input(shape=(3,), name="a"), layers.Input(shape=(2,), name="b")
    hidden = layers.Dense(4, activation="relu")(layers.merge([a, b], mode="concat"))
    outputs = [layers.Dense(2, name="x")(hidden)]
    outputs += [layers.Dense(3, activation="sigmoid", name="y")(hidden)]
    return functional(keras, [a, b], outputs)


@case(optimizer=sgd)
def shared_layer(keras):
    layers = keras.layers
    a, b = layers.Input(shape=(3,)), layers.Input(shape=(3,))
    shared = layers.Dense(2, activation="tanh", name="shared")
    twice = layers.merge([shared(a), shared(b)], mode="mul")
    return functional(keras, [a, b], layers.Dense(2)(twice))


@case(optimizer=sgd)
def nested(keras):
    """Models in a model, one of them shared, and one with batch normalization."""
    layers = keras.layers
    x = layers.Input(shape=(3,))
    inner = functional(keras, x, layers.BatchNormalization()(layers.Dense(4)(x)))
    tower = sequential(keras, layers.Dense(3, input_dim=4, activation="tanh"), layers.Dense(2))
    a, b = layers.Input(shape=(3,)), layers.Input(shape=(3,))
    parts = [tower(inner(a)), tower(layers.Dense(4)(b))]
    return functional(keras, [a, b], layers.merge(parts, mode="sum"))


@case(optimizer=sgd)
def nested_sequential(keras):
    layers = keras.layers
    inner = sequential(keras, layers.Dense(3, input_dim=4), layers.BatchNormalization())
    return sequential(keras, inner, layers.Dense(2))


@case(optimizer=adam)
def frozen(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Dense(3, input_dim=4, trainable=False, activation="tanh"),
        layers.BatchNormalization(),
        layers.Dense(3, trainable=False),
        layers.Dense(2),
    )


# Its file name must not be that of this file, because Keras stores the code.
doubled = eval(compile("lambda x: x * 2 + 1", "models.py", "eval"))
kept = eval(compile("lambda shape: shape", "models.py", "eval"))


@case()
def anonymous_function(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Dense(3, input_dim=4),
        layers.Lambda(doubled, output_shape=kept, name="doubling"),
    )
