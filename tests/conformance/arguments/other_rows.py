"""Values of the arguments of losses, metrics, schedules, optimizers and initializers."""

from __future__ import annotations

from tests.conformance.arguments.subject import Values

# The values of arguments by name; the first is the default.
VALUES: dict[str, Values] = {
    "reduction": ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", None),
    "from_logits": (False, True),
    "label_smoothing": (0.0, 0.2),
    "axis": (-1, 1),
    "delta": (1.0, 0.5),
    "gamma": (2.0, 1.5),
    "apply_class_balancing": (False, True),
    "ignore_class": (None, 2),
    "margin": (0.25, 0.4),
    "remove_diagonal": (True, False),
    "threshold": (0.5, 0.3),
    "k": (5, 2),
    "from_sorted_ids": (False,),
    "base": (None,),
    "class_aggregation": ("uniform_average", "variance_weighted_average", None),
    "num_regressors": (0, 1),
    "thresholds": (None, 0.7, [0.1, 0.45, 0.8]),
    "top_k": (None, 2),
    "class_id": (None, 1),
    "num_thresholds": (200, 7),
    "curve": ("ROC", "PR", "PRGAIN"),
    "summation_method": ("interpolation", "minoring", "majoring"),
    "multi_label": (False, True),
    "num_labels": (None, 3),
    "label_weights": (None, [0.2, 0.5, 0.3]),
    "average": (None, "micro", "macro", "weighted"),
    "beta": (1.0, 2.0),
    "sparse_y_true": (True,),
    "sparse_y_pred": (True,),
    "target_class_ids": ((0, 1), (1,)),
    "ignore_class_iou": (None, 1),
    "clipnorm": (None, 0.3),
    "clipvalue": (None, 0.2),
    "global_clipnorm": (None, 0.5),
    "weight_decay": (None, 0.05),
    "use_ema": (False, True),
    "ema_momentum": (0.99, 0.8),
    "ema_overwrite_frequency": (None, 2),
    "gradient_accumulation_steps": (None, 2),
    "loss_scale_factor": (None, 8.0),
    "input_axes": (None, [0]),
    "output_axes": (None, [1]),
}
# Compared in other tests, or without an effect on the results.
LEFT_OUT = {"name", "dtype", "fn", "kwargs", "seed"}


# Values of single losses.
LOSS_VALUES: dict[str, dict[str, Values]] = {
    "Dice": {"axis": (None, (1, 2, 3))},
    "Tversky": {"axis": (None, (1, 2, 3)), "alpha": (0.5, 0.3), "beta": (0.5, 0.7)},
    "Circle": {"gamma": (80.0, 4.0)},
    "BinaryFocalCrossentropy": {"alpha": (0.25, 0.4)},
    "CategoricalFocalCrossentropy": {"alpha": (0.25, [0.1, 0.2, 0.3, 0.2, 0.2])},
    "SparseCategoricalCrossentropy": {"axis": (-1,)},
    "CategoricalCrossentropy": {"axis": (-1,)},
    "BinaryCrossentropy": {"axis": (-1,)},
    "CategoricalGeneralizedCrossEntropy": {"q": (0.5, 0.7)},
}
LOSS_VALUES["CategoricalFocalCrossentropy"]["axis"] = (-1,)


METRIC_VALUES: dict[str, dict[str, Values]] = {
    "BinaryCrossentropy": {"axis": (-1,)},
    "CategoricalCrossentropy": {"axis": (-1,)},
    "SparseCategoricalCrossentropy": {"axis": (-1,), "ignore_class": (None,)},
    "FBetaScore": {"threshold": (None, 0.6)},
    "F1Score": {"threshold": (None, 0.6)},
    "IoU": {"axis": (-1,), "ignore_class": (None, 1)},
    "MeanIoU": {"axis": (-1,), "ignore_class": (None, 1)},
    "OneHotIoU": {"axis": (-1,), "ignore_class": (None, 1), "sparse_y_pred": (False,)},
    "OneHotMeanIoU": {"axis": (-1,), "ignore_class": (None, 1), "sparse_y_pred": (False,)},
}
METRIC_REQUIRED = ("num_classes", "specificity", "sensitivity", "recall", "precision")


SCHEDULES: dict[str, dict[str, Values]] = {
    "ExponentialDecay": {"decay_rate": (0.5, 0.9), "staircase": (False, True)},
    "InverseTimeDecay": {"decay_rate": (0.5, 0.9), "staircase": (False, True)},
    "PolynomialDecay": {
        "end_learning_rate": (0.0001, 0.01),
        "power": (1.0, 2.0),
        "cycle": (False, True),
    },
    "CosineDecay": {"alpha": (0.0, 0.2), "warmup_target": (None, 0.3), "warmup_steps": (0, 4)},
    "CosineDecayRestarts": {"t_mul": (2.0, 1.0, 1.5), "m_mul": (1.0, 0.7), "alpha": (0.0, 0.1)},
    "PiecewiseConstantDecay": {},
}


OPTIMIZERS: dict[str, dict[str, Values]] = {
    "SGD": {"momentum": (0.0, 0.9), "nesterov": (False, True)},
    "RMSprop": {"rho": (0.9, 0.8), "momentum": (0.0, 0.9), "centered": (False, True)},
    "Adam": {"amsgrad": (False, True)},
    "AdamW": {"amsgrad": (False, True), "weight_decay": (0.004, 0.1)},
    "Adadelta": {"rho": (0.95, 0.6)},
    "Adagrad": {"initial_accumulator_value": (0.1, 0.5)},
    "Adamax": {},
    "Adafactor": {
        "beta_2_decay": (-0.8, -0.5),
        "epsilon_1": (1e-30, 1e-3),
        "epsilon_2": (1e-3, 1e-1),
        "clip_threshold": (1.0, 0.5),
        "relative_step": (True, False),
    },
    "Nadam": {},
    "Ftrl": {
        "learning_rate_power": (-0.5, -0.7),
        "initial_accumulator_value": (0.1, 0.5),
        "l1_regularization_strength": (0.0, 0.3),
        "l2_regularization_strength": (0.0, 0.2),
        "l2_shrinkage_regularization_strength": (0.0, 0.1),
        "beta": (0.0, 0.4),
    },
    "Lion": {"beta_1": (0.9, 0.5), "beta_2": (0.99, 0.8)},
    "Lamb": {},
    "ScheduleFreeAdamW": {"warmup_steps": (0, 3), "weight_decay": (0.0, 0.1)},
    "Muon": {
        "exclude_layers": (None, ["^ker"]),
        "exclude_embeddings": (True, False),
        "muon_a": (3.4445, 3.0),
        "muon_b": (-4.775, -4.0),
        "muon_c": (2.0315, 1.8),
        "adam_lr_ratio": (0.1, 0.5),
        "momentum": (0.95, 0.8),
        "ns_steps": (6, 4),
        "nesterov": (True, False),
        "adam_beta_1": (0.9, 0.7),
        "adam_beta_2": (0.999, 0.9),
        "adam_weight_decay": (0.004, 0.1),
        "rms_rate": (0.2, None),
        "weight_decay": (0.004, 0.1),
    },
}
OF_OPTIMIZERS: dict[str, Values] = {
    "beta_1": (0.9, 0.6),
    "beta_2": (0.999, 0.8),
    "epsilon": (1e-7, 1e-2),
}


INITIALIZERS: dict[str, dict[str, Values]] = {
    "RandomNormal": {"mean": (0.0, 1.0), "stddev": (0.05, 2.0)},
    "TruncatedNormal": {"mean": (0.0, 1.0), "stddev": (0.05, 2.0)},
    "RandomUniform": {"minval": (-0.05, -1.0), "maxval": (0.05, 3.0)},
    "VarianceScaling": {
        "scale": (1.0, 3.0),
        "mode": ("fan_in", "fan_out", "fan_avg"),
        "distribution": ("truncated_normal", "untruncated_normal", "uniform"),
    },
    "Orthogonal": {"gain": (1.0, 3.0)},
    "Constant": {"value": (0.0, 2.5)},
    "Identity": {"gain": (1.0, 3.0)},
    "STFT": {
        "side": ("real", "imag"),
        "window": ("hann", None),
        "scaling": ("density", "spectrum", None),
        "periodic": (False, True),
    },
    **{name: {} for name in ("Zeros", "Ones")},
    **{f"{a}{b}": {} for a in ("Glorot", "He", "Lecun") for b in ("Normal", "Uniform")},
}
