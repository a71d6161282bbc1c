"""The layers, and the values of their arguments."""

from __future__ import annotations

from typing import Any

from tests.conformance.arguments.layer_arguments import (
    LayerArguments,
    conv,
    indices,
    lstm_step,
    normal,
    pair,
    query_value,
    step,
)

_FILTERS = {"filters": 4, "kernel_size": 2}
_POOL = {"pool_size": (2, 3), "strides": (None, 1)}
_RECURRENT: dict[str, Any] = {"units": 3}
_SEQUENCE = (2, 5, 4)

LAYERS = [
    LayerArguments("Dense", {"units": 3}),
    LayerArguments(
        "EinsumDense",
        {"equation": "ab,bc->ac", "output_shape": 3},
        values={"bias_axes": (None, "c")},
    ),
    LayerArguments(
        "Embedding",
        {"input_dim": 5, "output_dim": 3},
        indices(2, 4),
        {"mask_zero": (False, True)},
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments(
        "ReversibleEmbedding",
        {"input_dim": 5, "output_dim": 3},
        indices(2, 4),
        {
            "mask_zero": (False, True),
            "tie_weights": (True, False),
            "reverse_dtype": (None, "float32"),
            "logit_soft_cap": (None, 2.0),
        },
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments("Activation", {"activation": "gelu"}),
    LayerArguments("ActivityRegularization", values={"l1": (0.0, 0.1), "l2": (0.0, 0.1)}),
    LayerArguments("ELU", values={"alpha": (1.0, 0.5)}),
    LayerArguments("LeakyReLU", values={"negative_slope": (0.3, 0.1)}),
    LayerArguments("PReLU", shape=(2, 3, 4), values={"shared_axes": (None, [1])}),
    LayerArguments(
        "ReLU",
        values={"max_value": (None, 0.5), "negative_slope": (0.0, 0.1), "threshold": (0.0, 0.2)},
    ),
    LayerArguments("Softmax", values={"axis": (-1, 0)}),
    *(
        LayerArguments(
            f"Conv{rank}D",
            _FILTERS,
            conv(rank),
            {"padding": ("valid", "same", "causal")} if rank == 1 else {},
        )
        for rank in (1, 2, 3)
    ),
    *(
        LayerArguments(
            f"Conv{rank}DTranspose",
            {"filters": 3, "kernel_size": 3},
            conv(rank),
        )
        for rank in (1, 2, 3)
    ),
    *(LayerArguments(f"DepthwiseConv{rank}D", {"kernel_size": 2}, conv(rank)) for rank in (1, 2)),
    *(LayerArguments(f"SeparableConv{rank}D", _FILTERS, conv(rank)) for rank in (1, 2)),
    *(
        LayerArguments(f"{kind}Pooling{rank}D", {}, conv(rank), _POOL)
        for kind in ("Average", "Max")
        for rank in (1, 2, 3)
    ),
    *(
        LayerArguments(f"Global{kind}Pooling{rank}D", {}, conv(rank))
        for kind in ("Average", "Max")
        for rank in (1, 2, 3)
    ),
    *(
        LayerArguments(f"Adaptive{kind}Pooling{rank}D", {}, conv(rank), {"output_size": (3, 2)})
        for kind in ("Average", "Max")
        for rank in (1, 2, 3)
    ),
    LayerArguments(
        "BatchNormalization",
        shape=(4, 3, 4),
        values={
            "axis": (-1, 1),
            "momentum": (0.99, 0.5),
            "renorm": (False, True),
            "renorm_clipping": (None, {"rmax": 1.1, "rmin": 0.9, "dmax": 0.1}),
            "renorm_momentum": (0.99, 0.5),
        },
        left_out={"synchronized": "Keras on JAX refuses it"},
    ),
    LayerArguments(
        "LayerNormalization",
        shape=(4, 3, 4),
        values={"axis": (-1, 1, (1, 2)), "rms_scaling": (False, True)},
    ),
    LayerArguments("RMSNormalization", shape=(4, 3, 4), values={"axis": (-1, 1)}),
    LayerArguments(
        "GroupNormalization",
        shape=(2, 3, 4),
        values={"groups": (2, 1, 4, -1), "axis": (-1,), "epsilon": (1e-3, 0.1)},
        left_out={"axis": "the default only, with other sizes elsewhere"},
    ),
    LayerArguments("UnitNormalization", shape=(2, 3, 4), values={"axis": (-1, 1, (1, 2))}),
    LayerArguments(
        "SpectralNormalization",
        {"layer": lambda k: k.layers.Dense(3)},
        values={"power_iterations": (1, 3)},
        modes=("eager", "compiled", "symbolic"),
    ),
    *(
        LayerArguments(
            name,
            _RECURRENT,
            _SEQUENCE,
            {"activation": ("tanh", "relu")},
            random=True,
            left_out={"use_cudnn": "True fails in Keras without cuDNN"}
            if name != "SimpleRNN"
            else {},
        )
        for name in ("SimpleRNN", "LSTM", "GRU")
    ),
    LayerArguments(
        "SimpleRNNCell", _RECURRENT, step, {"activation": ("tanh", "relu")}, random=True
    ),
    LayerArguments("GRUCell", _RECURRENT, step, {"activation": ("tanh", "relu")}, random=True),
    LayerArguments(
        "LSTMCell", _RECURRENT, lstm_step, {"activation": ("tanh", "relu")}, random=True
    ),
    *(
        LayerArguments(
            f"ConvLSTM{rank}D",
            {"filters": 2, "kernel_size": 2},
            (2, 3, *(6, 5, 4)[:rank], 3),
            {"activation": ("tanh", "relu")},
            random=True,
        )
        for rank in (1, 2, 3)
    ),
    LayerArguments("RNN", {"cell": lambda k: k.layers.LSTMCell(3)}, _SEQUENCE),
    LayerArguments(
        "Bidirectional",
        {"layer": lambda k: k.layers.GRU(3, return_sequences=True)},
        _SEQUENCE,
        {
            "merge_mode": ("concat", "sum", "mul", "ave", None),
            "backward_layer": (
                None,
                lambda k: k.layers.LSTM(3, return_sequences=True, go_backwards=True),
            ),
        },
    ),
    LayerArguments("TimeDistributed", {"layer": lambda k: k.layers.Dense(3)}, _SEQUENCE),
    LayerArguments(
        "Attention",
        shape=pair,
        values={"use_scale": (False, True), "score_mode": ("dot", "concat")},
        random=True,
    ),
    LayerArguments(
        "AdditiveAttention", shape=pair, values={"use_scale": (True, False)}, random=True
    ),
    LayerArguments(
        "MultiHeadAttention",
        {"num_heads": 2, "key_dim": 3},
        query_value,
        {
            "value_dim": (None, 4),
            "output_shape": (None, 5),
            "attention_axes": (None, 1),
            "use_gate": (False, True),
            "sliding_window": (None, 2),
        },
        random=True,
    ),
    LayerArguments(
        "GroupQueryAttention",
        {"head_dim": 3},
        query_value,
        {
            "num_query_heads": (4, 2),
            "num_key_value_heads": (2, 1),
            "use_gate": (False, True),
            "sliding_window": (None, 2),
        },
        random=True,
    ),
    *(
        LayerArguments(name, shape=_same_pair)
        for _same_pair in (lambda _: ([normal(2, 3), normal(2, 3) + 1],),)
        for name in ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")
    ),
    LayerArguments(
        "Concatenate", shape=lambda _: ([normal(2, 3), normal(2, 3)],), values={"axis": (-1, 0)}
    ),
    LayerArguments(
        "Dot",
        shape=lambda _: ([normal(2, 3, 3), normal(2, 3, 3)],),
        values={"axes": (1, 2, (1, 2)), "normalize": (False, True)},
    ),
    LayerArguments(
        "Dropout", {"rate": 0.3}, (2, 3, 4), {"noise_shape": (None, (2, 1, 4))}, random=True
    ),
    LayerArguments(
        "AlphaDropout", {"rate": 0.3}, values={"noise_shape": (None, (2, 1))}, random=True
    ),
    LayerArguments("GaussianDropout", {"rate": 0.3}, random=True),
    LayerArguments("GaussianNoise", {"stddev": 0.3}, random=True),
    *(
        LayerArguments(f"SpatialDropout{rank}D", {"rate": 0.3}, conv(rank), random=True)
        for rank in (1, 2, 3)
    ),
    LayerArguments("Flatten", shape=(2, 3, 4)),
    LayerArguments("Permute", {"dims": (2, 1)}, (2, 3, 4)),
    LayerArguments("RepeatVector", {"n": 3}),
    LayerArguments("Reshape", {"target_shape": (2, -1)}),
    LayerArguments("Cropping1D", shape=(2, 5, 3), values={"cropping": ((1, 1), 2)}),
    LayerArguments(
        "Cropping2D", shape=(2, 6, 5, 3), values={"cropping": (1, (1, 2), ((0, 1), (2, 0)))}
    ),
    LayerArguments("Cropping3D", shape=(2, 6, 5, 4, 3), values={"cropping": (1, (1, 2, 1))}),
    LayerArguments("ZeroPadding1D", shape=(2, 5, 3), values={"padding": (1, (0, 2))}),
    LayerArguments(
        "ZeroPadding2D", shape=(2, 4, 3, 3), values={"padding": (1, (1, 2), ((0, 1), (2, 0)))}
    ),
    LayerArguments("ZeroPadding3D", shape=(1, 3, 2, 3, 2), values={"padding": (1, (1, 2, 1))}),
    LayerArguments("UpSampling1D", shape=(2, 5, 3), values={"size": (2, 3)}),
    LayerArguments(
        "UpSampling2D",
        shape=(2, 4, 3, 3),
        values={"size": (2, (1, 3)), "interpolation": ("nearest", "bilinear", "bicubic")},
    ),
    LayerArguments("UpSampling3D", shape=(1, 3, 2, 3, 2), values={"size": (2, (1, 3, 2))}),
    LayerArguments("Masking", shape=(2, 3, 4), values={"mask_value": (0.0, 1.0)}),
    LayerArguments("Identity"),
    LayerArguments(
        "Lambda",
        {"function": lambda k: k.activations.elu},
        values={"arguments": (None, {"alpha": 0.3}), "mask": (None,), "output_shape": (None,)},
        left_out={"mask": "a function: tests/layers", "output_shape": "is inferred"},
    ),
]
