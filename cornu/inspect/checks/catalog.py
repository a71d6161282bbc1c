"""The table of everything that a check can find; `docs/checks.md` is made from it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KINDS", "CheckKind", "document"]


class CheckKind(NamedTuple):
    """A kind of finding.

    Attributes:
        code: what silences it.
        title: a few words.
        severity: "error" (fit raises it), "warning" or "info"; a finding may be milder.
        automatic: whether `fit` looks for it before its first step.
        meaning: what it means; todo: what to do.
    """

    code: str
    title: str
    severity: str
    automatic: bool
    meaning: str
    todo: str


_ROWS = (
    # ------------------------------------------------------------------------ surely wrong
    CheckKind(
        "C001",
        "what fit refuses",
        "error",
        True,
        "x, y or sample_weight do not fit the model, its losses or each other; or a layer or loss "
        "fails on them. `fit` raises the error that stands here.",
        "Do what the message says.",
    ),
    CheckKind(
        "C002",
        "learning rate that is no number",
        "error",
        True,
        "The learning rate is NaN or infinite: the first step would destroy all weights.",
        "Give the optimizer a finite learning rate.",
    ),
    CheckKind(
        "C003",
        "nothing to train",
        "warning",
        True,
        "The model has weights, and all are frozen: the optimizer has nothing to change.",
        "Set `trainable = True` on the layers that are to learn, then compile again.",
    ),
    # -------------------------------------------------------------------- outputs and losses
    CheckKind(
        "C010",
        "cross-entropy on an output without activation",
        "warning",
        True,
        "The loss expects probabilities and gets any numbers: they are clipped to [0, 1], and "
        "what is clipped has no gradient.",
        "Set from_logits=True in the loss, or end with a softmax or sigmoid.",
    ),
    CheckKind(
        "C011",
        "from_logits=True on probabilities",
        "warning",
        True,
        "The output went through a softmax or sigmoid, and the loss applies it a second time: "
        "training is slow and the loss cannot come near 0.",
        "Remove the activation, or from_logits=True.",
    ),
    CheckKind(
        "C012",
        "softmax over one unit",
        "warning",
        True,
        "Softmax over an axis of size 1 is 1 for every input, and has no gradient.",
        "Use sigmoid for one unit, or give the layer one unit per class.",
    ),
    CheckKind(
        "C013",
        "softmax or sigmoid twice",
        "warning",
        True,
        "An activation that makes probabilities is applied to what are probabilities already: "
        "the result is nearly uniform.",
        "Remove one of the two.",
    ),
    CheckKind(
        "C014",
        "relu before the loss",
        "warning",
        True,
        "A relu output is never negative: as probabilities its values have no upper bound, as "
        "logits or against negative targets it cannot reach half of the answers.",
        "End with softmax or sigmoid for classes, without activation for a regression.",
    ),
    CheckKind(
        "C015",
        "sigmoid with categorical crossentropy",
        "warning",
        True,
        "Sigmoid units are independent of each other, and this loss takes them for one "
        "distribution: it only looks at the right class.",
        "Use softmax for one class per row, binary_crossentropy for several.",
    ),
    CheckKind(
        "C016",
        "softmax with binary crossentropy",
        "warning",
        True,
        "Softmax outputs sum to 1, and this loss takes each unit for a question of its own. Rows "
        "with several classes can never be met (a warning); with one class per row it works, "
        "though not as well as it could (an info).",
        "Use categorical_crossentropy for one class per row, sigmoid for several.",
    ),
    CheckKind(
        "C017",
        "targets that the output cannot reach",
        "warning",
        True,
        "The last activation is bounded, and many targets lie outside of its bounds.",
        "End the model without activation, or rescale y.",
    ),
    CheckKind(
        "C018",
        "target rows that are no distribution",
        "warning",
        True,
        "Categorical crossentropy expects rows that sum to 1; these name several classes, and sum "
        "to more.",
        "Use sigmoid units with binary_crossentropy for several classes per row.",
    ),
    CheckKind(
        "C019",
        "dropout as the last layer",
        "warning",
        True,
        "In training a part of the predictions is set to 0, whatever the layers before learn.",
        "Put the dropout before the last layer with weights.",
    ),
    CheckKind(
        "C020",
        "output without a loss",
        "warning",
        False,
        "Layers that lead only to this output get no gradient. An info where None was given as "
        "its loss on purpose.",
        "Name the output in the losses (None says that it is meant), or leave it out of the model.",
    ),
    CheckKind(
        "C021",
        "weights without gradient",
        "warning",
        True,
        "The loss does not depend on these weights, or not in a differentiable way (argmax, "
        "rounding, stop_gradient): they stay as they are. `fit` sees it in the drawing where ops "
        "without gradient lie on every way to a loss; `model.check` also traces the gradients.",
        "Use them in `call`, freeze them, or replace the step without gradient.",
    ),
    CheckKind(
        "C022",
        "mask that gets lost",
        "warning",
        True,
        "A masked input meets a layer or op that passes no mask on: what follows takes padding "
        "for data. A layer warns of it when it is called; of an op `fit` warns if a layer after "
        "it would have used the mask.",
        "Pass the mask on (`mask=`), use a layer that supports masking (Add instead of +), or set "
        "`supports_masking = True` on your own.",
    ),
    CheckKind(
        "C023",
        "layer that is never called",
        "warning",
        True,
        "The model owns a layer that its `call` does not reach: it has no weights.",
        "Call it, or remove it.",
    ),
    CheckKind(
        "C024",
        "outputs of one name",
        "info",
        False,
        "Two outputs come from layers of the same name, so that one was given a number. Losses and "
        "targets bind to the names shown by `model.output_names`.",
        "Name the output layers, or give the outputs as a dict.",
    ),
    CheckKind(
        "C025",
        "crossentropy of one class",
        "warning",
        False,
        "Over an axis of one class the loss is 0 for every input. The loss warns of it when it is "
        "first computed.",
        "Use binary_crossentropy for two classes and one unit.",
    ),
    # -------------------------------------------------------------------- batch normalization
    CheckKind(
        "C030",
        "frozen batch normalization that never learned",
        "warning",
        True,
        "The layer is frozen with mean 0 and variance 1, as it was created: it normalizes "
        "nothing, neither in training nor after it. An info where the layers before are frozen "
        "too.",
        "Load its statistics, or set `trainable = True`.",
    ),
    CheckKind(
        "C031",
        "batch normalization under frozen layers",
        "info",
        False,
        "The layers that feed it are frozen, and it is not: its statistics follow the new data, "
        "so that the features change although their kernels do not.",
        "Freeze it too (`trainable = False` makes it use its averages), or leave it if that is "
        "meant.",
    ),
    CheckKind(
        "C032",
        "batch normalization of single rows",
        "warning",
        True,
        "With one row per batch the variance is 0: in training the output is beta, whatever the "
        "input is.",
        "Use a larger batch_size, or LayerNormalization.",
    ),
    CheckKind(
        "C033",
        "frozen batch normalization in training",
        "info",
        False,
        "The layer is frozen and other layers are not: it normalizes by its averages, also in "
        "training and with training=True, and they stay as they are. That is usual in "
        "fine-tuning, and wrong where the new data is distributed differently.",
        "Set `trainable = True` if it is to follow the new data.",
    ),
    # ------------------------------------------------------------------------------------ data
    CheckKind(
        "C040",
        "data on a wrong scale",
        "warning",
        True,
        "Weights are initialized for inputs near 1. Pixels from 0 to 255, or features in the "
        "thousands, saturate the first layers or make training diverge.",
        "Divide pixels by 255, standardize features, or begin with BatchNormalization.",
    ),
    CheckKind(
        "C041",
        "input that is constant",
        "warning",
        True,
        "All values of an input are equal: nothing can be learned from it. An info for few rows "
        "or where the model has other inputs.",
        "Look at how x is made.",
    ),
    CheckKind(
        "C042",
        "constant columns",
        "info",
        False,
        "Some features have the same value in all rows.",
        "Leave them out.",
    ),
    CheckKind(
        "C043",
        "constant targets",
        "warning",
        True,
        "All targets are equal: a constant solves the task. A warning for class labels of many "
        "rows if no layer is frozen (as the judge of a generator is), else an info.",
        "Look at how y is made, and whether the data is sorted and was cut.",
    ),
    CheckKind(
        "C044",
        "fractions in an integer input",
        "warning",
        True,
        "The input takes integers: what stands after the point is cut off.",
        'Give the Input dtype="float32", or round x yourself.',
    ),
    CheckKind(
        "C045",
        "values beyond the compute dtype",
        "warning",
        True,
        "Values above 65504 are infinite in float16.",
        "Rescale the data, or use mixed_bfloat16.",
    ),
    CheckKind(
        "C046",
        "sample weights that are all zero",
        "warning",
        True,
        "Every row has weight 0: the loss is 0 and nothing is learned.",
        "Look at how sample_weight is made.",
    ),
    CheckKind(
        "C047",
        "validation on the training data",
        "warning",
        True,
        "The validation data begins and ends with the same rows as the training data: its "
        "numbers say nothing about new data. An info for few rows.",
        "Hold data back, for example with validation_split.",
    ),
    # ------------------------------------------------------------------ metrics and optimizer
    CheckKind(
        "C050",
        "accuracy of a regression",
        "warning",
        True,
        "Accuracy counts labels that are met exactly; these targets have fractions.",
        'Use "mae" or another metric of regressions.',
    ),
    CheckKind(
        "C051",
        "accuracy of logits at 0.5",
        "warning",
        True,
        "The output is a logit, which says class 1 from 0 on; the metric counts it from 0.5 on.",
        "Use BinaryAccuracy(threshold=0.0).",
    ),
    CheckKind(
        "C052",
        "absurd learning rate",
        "warning",
        True,
        "The learning rate is negative, or so large that training will diverge.",
        "Begin with 1e-3 for Adam and its family, 1e-2 for SGD.",
    ),
    CheckKind(
        "C053",
        "float16 without loss scale",
        "info",
        False,
        "Small gradients become 0 in float16.",
        "Leave auto_scale_loss=True, or use mixed_bfloat16.",
    ),
    CheckKind(
        "C054",
        "outputs that are no probabilities",
        "warning",
        False,
        "The model was called on some rows: its outputs lie outside [0, 1], and the loss expects "
        "probabilities.",
        "Set from_logits=True in the loss, or end with a softmax or sigmoid.",
    ),
    # ------------------------------------------------------------------------- while it runs
    CheckKind(
        "C060",
        "step compiled for many shapes",
        "warning",
        True,
        "Batches of many shapes come one after another, and for each of them the step is compiled "
        "anew, which takes longer than many steps. It is said while the model runs: at the third "
        "size of rows or the fifth number of rows in training and evaluation, at the tenth shape "
        "of predictions. `model.traces` lists them.",
        "Pad the batches to a few fixed sizes, or leave out what remains at the end.",
    ),
    CheckKind(
        "C061",
        "batches of several dtypes",
        "warning",
        True,
        "An array comes in one dtype in one batch and in another in the next: the step is compiled "
        "for both, and one of them was perhaps not scaled. It is said while the model runs.",
        "Bring all batches to one dtype where they are made.",
    ),
    # ------------------------------------------------------------------------------ afterwards
    CheckKind(
        "C090",
        "loss that ended as NaN",
        "warning",
        True,
        "`fit` ended with a loss that is NaN or infinite: the weights are of no use.",
        "Call fit(..., debug_nans=True), which stops where it begins.",
    ),
)

KINDS = {kind.code: kind for kind in _ROWS}


def document() -> str:
    """Returns `docs/checks.md`."""
    lines = [
        "# Checks",
        "",
        "What `model.check(x, y)` finds, and what `fit` looks for before its first step. An error",
        "is raised by `fit`; a warning is one line, a `cornu.errors.ModelWarning` with the code in",
        "`.code`; an info is shown by `model.check` alone. A finding may be milder than its row.",
        "",
        'A code is silenced by `cornu.config.silence("C012")`, by `model.check(..., ignore=[...])`',
        'or by Python\'s own filters: `warnings.filterwarnings("ignore", message="C012")`.',
        "",
        "The column *fit* says whether `fit` looks for it; the others are found by `model.check`.",
        "",
        "This page is made from `cornu/inspect/checks/catalog.py`, and a test holds it to that.",
        "",
        "| code | title | severity | fit | what it means | what to do |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind in _ROWS:
        automatic = "yes" if kind.automatic else ""
        lines.append(
            f"| {kind.code} | {kind.title} | {kind.severity} | {automatic} | {kind.meaning} "
            f"| {kind.todo} |"
        )
    return "\n".join(lines) + "\n"
