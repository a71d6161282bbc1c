"""Models in Keras 2 and tf.keras: recurrent layers, wrappers, embeddings, merges and graphs."""

from scripts.old_models.keras2_cases import CASES, adam, case, functional, image, sequential, sgd

__all__ = ["CASES"]


@case(optimizer=adam, texts=True)
def lstm(keras):
    layers = keras.layers
    return sequential(
        keras, layers.LSTM(3, input_shape=(6, 2), return_sequences=True), layers.LSTM(2)
    )


@case(optimizer=adam)
def lstm_hard(keras):
    layers = keras.layers
    hard = {"recurrent_activation": "hard_sigmoid", "unit_forget_bias": False}
    return sequential(
        keras,
        layers.LSTM(3, input_shape=(6, 2), return_sequences=True, implementation=1, **hard),
        layers.LSTM(2, implementation=2, use_bias=False, **hard),
    )


@case(optimizer=sgd)
def gru(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.GRU(3, input_dim=2, input_length=6, return_sequences=True),
        layers.GRU(2, go_backwards=True, recurrent_activation="sigmoid"),
    )


@case(optimizer=sgd)
def gru_resets(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.GRU(3, input_shape=(6, 2), return_sequences=True, reset_after=True),
        layers.GRU(2, reset_after=False),
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
def cells(keras):
    layers = keras.layers
    stack = [layers.LSTMCell(2), layers.GRUCell(3), layers.SimpleRNNCell(2)]
    return sequential(keras, layers.RNN(stack, input_shape=(5, 3)))


@case()
def states(keras):
    layers = keras.layers
    x = layers.Input(shape=(5, 3))
    sequence, h, c = layers.LSTM(2, return_sequences=True, return_state=True)(x)
    decoded = layers.LSTM(2)(sequence, initial_state=[h, c])
    return functional(keras, x, [sequence, h, c, decoded])


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
    shape = (3,) + image(keras, 2, 4, 5)
    return sequential(keras, layers.ConvLSTM2D(2, (2, 3), input_shape=shape, padding="same"))


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
        layers.TimeDistributed(layers.Conv2D(2, 2), input_shape=(3,) + image(keras, 2, 4, 4)),
        layers.TimeDistributed(layers.Flatten()),
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


@case(optimizer=adam, padded=True)
def masking(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Masking(0.0, input_shape=(6, 2)),
        layers.SimpleRNN(3, return_sequences=True),
        layers.TimeDistributed(layers.Dense(2)),
    )


@case(optimizer=sgd, texts=True)
def merges(keras):
    layers = keras.layers
    first, second = layers.Input(shape=(4,)), layers.Input(shape=(4,))
    names = "add multiply maximum average subtract".split()
    parts = [getattr(layers, name)([first, second]) for name in names]
    parts += [layers.Concatenate(axis=1)([first, second])]
    parts += [layers.Dot(axes=1)([first, second]), layers.dot([first, second], 1, normalize=True)]
    return functional(keras, [first, second], layers.Dense(2)(layers.concatenate(parts)))


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
    hidden = layers.Dense(4, activation="relu")(layers.concatenate([a, b]))
    outputs = [layers.Dense(2, name="x")(hidden)]
    outputs += [layers.Dense(3, activation="sigmoid", name="y")(hidden)]
    return functional(keras, [a, b], outputs)


@case(optimizer=adam, loss="sparse_categorical_crossentropy", ids={0: 9})
def sparse_labels(keras):
    layers = keras.layers
    x = layers.Input(shape=(5,), dtype="int32")
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(x))
    return functional(keras, x, layers.Dense(3, activation="softmax")(hidden))


@case(optimizer=sgd)
def shared_layer(keras):
    layers = keras.layers
    a, b = layers.Input(shape=(3,)), layers.Input(shape=(3,))
    shared = layers.Dense(2, activation="tanh", name="shared")
    return functional(keras, [a, b], layers.Dense(2)(layers.multiply([shared(a), shared(b)])))


@case(optimizer=sgd)
def nested(keras):
    """Models in a model, one of them shared, and one with batch normalization."""
    layers = keras.layers
    x = layers.Input(shape=(3,))
    inner = functional(keras, x, layers.BatchNormalization()(layers.Dense(4)(x)))
    tower = sequential(keras, layers.Dense(3, input_dim=4, activation="tanh"), layers.Dense(2))
    a, b = layers.Input(shape=(3,)), layers.Input(shape=(3,))
    return functional(keras, [a, b], layers.add([tower(inner(a)), tower(layers.Dense(4)(b))]))


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


@case()
def anonymous_function(keras):
    layers = keras.layers
    return sequential(keras, layers.Dense(3, input_dim=4), layers.Lambda(doubled, name="doubling"))


@case()
def operators(keras):
    """Operators on tensors, which only tf.keras records as layers."""
    layers = keras.layers
    x = layers.Input(shape=(3, 4))
    return functional(keras, x, layers.Dense(2)(x * 2.0 + 1.0 - x[:, ::-1]))


@case(optimizer=adam)
def attention(keras):
    layers = keras.layers
    x = layers.Input(shape=(4, 6))
    y = layers.MultiHeadAttention(num_heads=2, key_dim=3)(x, x)
    y = layers.LayerNormalization()(layers.add([x, y]))
    y = layers.Attention()([y, x])
    return functional(keras, x, layers.Dense(2, activation="gelu")(layers.Flatten()(y)))


@case()
def preprocessing(keras):
    layers = keras.layers
    return sequential(
        keras,
        layers.Rescaling(0.5, offset=0.1, input_shape=(6, 6, 2)),
        layers.Resizing(4, 5),
        layers.CenterCrop(3, 3),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.UnitNormalization(),
        layers.GroupNormalization(2),
        layers.Conv2D(2, 2, groups=2),
    )
