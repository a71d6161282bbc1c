"""A layer with expert kernels of three axes: `top_k`, `one_hot`, `einsum`, an auxiliary loss

Tokens are routed to two of four experts.
"""

import keras
import numpy as np
from keras import layers, ops

EXPERTS, SIZE = 4, 8
rng = np.random.default_rng(0)
X = rng.normal(size=(32, 6, SIZE)).astype("float32")
LABELS = (np.abs(X).sum(-1).argmax(-1)).astype("int32")


@keras.saving.register_keras_serializable("programs")
class MixtureOfExperts(layers.Layer):
    def __init__(self, experts, width, top=2, balance=0.05, **kwargs):
        super().__init__(**kwargs)
        self.experts, self.width, self.top, self.balance = experts, width, top, balance
        self.router = layers.Dense(experts, use_bias=False, name="router")

    def build(self, input_shape):
        self.router.build(input_shape)
        size = input_shape[-1]
        self.up = self.add_weight((self.experts, size, self.width), "glorot_uniform", name="up")
        self.down = self.add_weight((self.experts, self.width, size), "glorot_uniform", name="down")

    def call(self, x):
        probability = ops.softmax(self.router(x))
        value, chosen = ops.top_k(probability, self.top)
        value = value / ops.sum(value, axis=-1, keepdims=True)
        gate = ops.sum(ops.one_hot(chosen, self.experts) * value[..., None], axis=-2)
        # Experts that receive many tokens with a high probability cost more.
        share = ops.mean(ops.cast(gate > 0, x.dtype), axis=(0, 1))
        cost = ops.sum(share * ops.mean(probability, axis=(0, 1)))
        self.add_loss(self.balance * self.experts * cost)
        hidden = ops.gelu(ops.einsum("bts,esw->btew", x, self.up))
        return ops.einsum("btew,ews,bte->bts", hidden, self.down, gate)

    def get_config(self):
        config = {"experts": self.experts, "width": self.width}
        return {**super().get_config(), **config, "top": self.top, "balance": self.balance}


def build():
    tokens = keras.Input((6, SIZE))
    x = layers.RMSNormalization()(tokens)
    x = layers.Add()([tokens, MixtureOfExperts(EXPERTS, 12)(x)])
    logits = layers.Reshape((6,))(layers.Dense(1)(x))
    return keras.Model(tokens, layers.Softmax()(logits))


def train(model, log):
    model.compile(keras.optimizers.Adam(0.01, clipvalue=0.5), "sparse_categorical_crossentropy")
    model.fit(X, LABELS, batch_size=16, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy.predict(X, verbose=0), model.evaluate(X, LABELS, verbose=0)
