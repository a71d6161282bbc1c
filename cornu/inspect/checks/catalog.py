"""The table of the findings that checks report; `docs/checks.md` is made from it."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["KINDS", "CheckKind", "Severity", "document"]

Severity = Literal["error", "warning", "info"]


class CheckKind(NamedTuple):
    """A kind of finding.

    Attributes:
        code: silences the finding.
        title: a short description.
        severity: "error" (`fit` raises it), "warning" or "info". A finding may be less severe.
        in_fit: whether `fit` checks for it before its first step.
        meaning: why it is a problem.
        advice: what to do.
    """

    code: str
    title: str
    severity: Severity
    in_fit: bool
    meaning: str
    advice: str


# fmt: off
_ROWS = (
    # -------------------------------------------------------------------------------- errors
    CheckKind("C001", "error raised by fit", "error", True,
        "x, y or sample_weight do not match the model, its losses or each other, or a layer or "
        "loss fails on them. The finding contains the error that `fit` raises.",
        "Follow the message."),
    CheckKind("C002", "learning rate that is not finite", "error", True,
        "The learning rate is NaN or infinite: the first step would make all weights NaN.",
        "Give the optimizer a finite learning rate."),
    CheckKind("C003", "nothing to train", "warning", True,
        "All weights of the model are frozen, so the optimizer has nothing to update.",
        "Set `trainable = True` on the layers to train, then compile again."),
    # -------------------------------------------------------------------- outputs and losses
    CheckKind("C010", "cross-entropy on an output without activation", "warning", True,
        "The loss expects probabilities and receives unbounded values. They are clipped to "
        "[0, 1], and clipped values have no gradient.",
        "Set from_logits=True in the loss, or end with a softmax or sigmoid."),
    CheckKind("C011", "from_logits=True on probabilities", "warning", True,
        "The output is already the result of a softmax or sigmoid, and the loss applies it again: "
        "training is slow and the loss cannot approach 0.",
        "Remove the activation, or from_logits=True."),
    CheckKind("C012", "softmax over one unit", "warning", True,
        "Softmax over an axis of size 1 is 1 for every input, and has no gradient.",
        "Use sigmoid for one unit, or give the layer one unit per class."),
    CheckKind("C013", "softmax or sigmoid applied twice", "warning", True,
        "An activation that returns probabilities is applied to probabilities: the result is "
        "nearly uniform.",
        "Remove one of the two."),
    CheckKind("C014", "relu before the loss", "warning", True,
        "The output of relu is never negative. As probabilities its values have no upper bound; "
        "as logits it cannot express probabilities below 0.5; it cannot match negative targets.",
        "End with softmax or sigmoid for classification, without activation for regression."),
    CheckKind("C015", "sigmoid with categorical crossentropy", "warning", True,
        "Sigmoid units are independent, but this loss treats them as one distribution and only "
        "uses the unit of the true class.",
        "Use softmax for one class per row, binary_crossentropy for several."),
    CheckKind("C016", "softmax with binary crossentropy", "warning", True,
        "Softmax outputs sum to 1, but this loss treats each unit as an independent binary "
        "classification. Rows with several classes cannot be predicted (a warning); with one "
        "class per row training works, but less well than with categorical crossentropy (an info).",
        "Use categorical_crossentropy for one class per row, sigmoid for several."),
    CheckKind("C017", "targets outside the range of the output", "warning", True,
        "The last activation is bounded, and many targets are outside its range.",
        "End the model without activation, or rescale y."),
    CheckKind("C018", "target rows that are not a distribution", "warning", True,
        "Categorical crossentropy expects rows that sum to 1; these rows have several classes and "
        "sum to more.",
        "Use sigmoid units with binary_crossentropy for several classes per row."),
    CheckKind("C019", "dropout as the last layer", "warning", True,
        "In training, part of the predictions is set to 0, whatever the layers before it learn.",
        "Put the dropout before the last layer with weights."),
    CheckKind("C020", "output without a loss", "warning", False,
        "Layers that are only used by this output get no gradient. An info where its loss is "
        "explicitly None.",
        "Give the output a loss (None silences this warning), or remove it from the model."),
    CheckKind("C021", "weights without gradient", "warning", True,
        "The loss does not depend on these weights, or only through operations that are not "
        "differentiable (argmax, rounding, stop_gradient), so they are not trained. `fit` finds "
        "this in the functional graph, where every path to a loss contains an op without "
        "gradient; `model.check` also traces the gradients.",
        "Use them in `call`, freeze them, or replace the operation without gradient."),
    CheckKind("C022", "mask that is dropped", "warning", True,
        "A layer or op receives a masked input and passes no mask on: later layers treat padding "
        "as data. A layer warns when it is called; for an op, `fit` warns if a later layer would "
        "have used the mask.",
        "Pass the mask explicitly (`mask=`), use a layer that supports masking (Add instead of "
        "+), or set `supports_masking = True` on your own layer."),
    CheckKind("C023", "layer that is never called", "warning", True,
        "The model owns a layer that its `call` does not use, so the layer has no weights.",
        "Call it, or remove it."),
    CheckKind("C024", "outputs with the same name", "info", False,
        "Two outputs come from layers with the same name, so a number was appended to one name. "
        "Losses and targets are matched with the names in `model.output_names`.",
        "Name the output layers, or give the outputs as a dict."),
    CheckKind("C025", "crossentropy of one class", "warning", False,
        "Over an axis of one class the loss is 0 for every input. The loss warns when it is "
        "first computed.",
        "Use binary_crossentropy for two classes and one unit."),
    # ------------------------------------------------------------------- batch normalization
    CheckKind("C030", "frozen batch normalization without statistics", "warning", True,
        "The layer is frozen with its initial mean 0 and variance 1, so it normalizes nothing, "
        "in training and in inference. An info where the layers before it are frozen too.",
        "Load its statistics, or set `trainable = True`."),
    CheckKind("C031", "batch normalization after frozen layers", "info", False,
        "The layers before it are frozen, but this layer is not: its statistics adapt to the new "
        "data, so the features change although the kernels do not.",
        "Freeze it too (with `trainable = False` it uses its moving averages), or ignore this if "
        "it is intended."),
    CheckKind("C032", "batch normalization of single rows", "warning", True,
        "With one row per batch the variance is 0: in training the output is beta for every "
        "input.",
        "Use a larger batch_size, or LayerNormalization."),
    CheckKind("C033", "frozen batch normalization in training", "info", False,
        "The layer is frozen and other layers are not: it normalizes with its moving averages, "
        "also with training=True, and does not update them. That is common in fine-tuning, and "
        "wrong if the new data has a different distribution.",
        "Set `trainable = True` if it should adapt to the new data."),
    # ---------------------------------------------------------------------------------- data
    CheckKind("C040", "unscaled data", "warning", True,
        "Weights are initialized for inputs near 1. Pixels from 0 to 255, or features in the "
        "thousands, saturate the first layers or make training diverge.",
        "Divide pixels by 255, standardize features, or start with BatchNormalization."),
    CheckKind("C041", "constant input", "warning", True,
        "All values of an input are equal, so it contains no information. An info for few rows "
        "or where the model has other inputs.",
        "Check how x is made."),
    CheckKind("C042", "constant columns", "info", False,
        "Some features have the same value in all rows.",
        "Remove them."),
    CheckKind("C043", "constant targets", "warning", True,
        "All targets are equal, so a constant prediction is optimal. A warning for class labels "
        "of at least 256 rows if no layer is frozen (as the discriminator of a GAN is), else an "
        "info.",
        "Check how y is made, and whether sorted data was truncated."),
    CheckKind("C044", "fractions in an integer input", "warning", True,
        "The dtype of the input is an integer, so fractions are truncated.",
        'Give the Input dtype="float32", or round x.'),
    CheckKind("C045", "values outside the range of the compute dtype", "warning", True,
        "Values above 65504 are infinite in float16.",
        "Rescale the data, or use mixed_bfloat16."),
    CheckKind("C046", "sample weights that are all zero", "warning", True,
        "Every row has weight 0, so the loss is 0 and nothing is learned.",
        "Check how sample_weight is made."),
    CheckKind("C047", "validation on the training data", "warning", True,
        "The first and last rows of the validation data equal those of the training data, so "
        "validation does not measure generalization. An info for few rows.",
        "Hold data out, for example with validation_split."),
    # ----------------------------------------------------------------- metrics and optimizer
    CheckKind("C050", "accuracy of a regression", "warning", True,
        "Accuracy counts predictions that equal the targets, and these targets have fractions.",
        'Use "mae" or another regression metric.'),
    CheckKind("C051", "accuracy of logits with threshold 0.5", "warning", True,
        "The output is a logit, which predicts class 1 above 0; the threshold of the metric is "
        "0.5.",
        "Use BinaryAccuracy(threshold=0.0)."),
    CheckKind("C052", "implausible learning rate", "warning", True,
        "The learning rate is negative, or so large that training will diverge.",
        "Start with 1e-3 for Adam and similar optimizers, 1e-2 for SGD."),
    CheckKind("C053", "float16 without loss scaling", "info", False,
        "Small gradients become 0 in float16.",
        "Keep auto_scale_loss=True, or use mixed_bfloat16."),
    CheckKind("C054", "outputs that are not probabilities", "warning", False,
        "On some rows of x the outputs are outside [0, 1], and the loss expects probabilities.",
        "Set from_logits=True in the loss, or end with a softmax or sigmoid."),
    # --------------------------------------------------------------------- while a model runs
    CheckKind("C060", "step compiled for many shapes", "warning", True,
        "The step is compiled again for each new batch shape, which takes longer than many steps. "
        "Reported while the model runs: at the third row shape or the fifth number of rows in "
        "training and evaluation, at the tenth shape in predictions. `model.traces` lists them.",
        "Pad the batches to a few fixed sizes, or drop the last partial batch."),
    CheckKind("C061", "batches of several dtypes", "warning", True,
        "The dtype of an array differs between batches, so the step is compiled for each dtype, "
        "and one of them may not be scaled. Reported while the model runs.",
        "Convert all batches to one dtype where they are made."),
    # -------------------------------------------------------------------------------- devices
    CheckKind("C070", "large weight that is not divided", "warning", False,
        "No axis of the weight can be divided evenly among the devices, so that each has a copy of "
        "it, and of the Variables of the optimizer that belong to it.",
        "Make one of its sizes a multiple of the number of devices, or use fewer devices."),
    CheckKind("C071", "batches that are not divided", "warning", True,
        "The batch size is not a multiple of the number of devices that share a batch, and the "
        "model may mix rows, so that batches cannot be padded: each device computes whole batches.",
        "Use a batch size that is a multiple of that number."),
    # ----------------------------------------------------------------------------- afterwards
    CheckKind("C090", "loss that is NaN", "warning", True,
        "The loss of an epoch is NaN or infinite, and probably the weights as well. Reported once, "
        "at the end of the first such epoch.",
        "Call fit(..., debug_nans=True), which stops at the layer where it starts."),
)
# fmt: on

KINDS = {kind.code: kind for kind in _ROWS}


def document() -> str:
    """Returns `docs/checks.md`."""
    lines = [
        "# Checks",
        "",
        "What `model.check(x, y)` reports, and what `fit` checks before its first step. `fit`",
        "raises errors, and shows each warning on one line, as a `cornu.errors.ModelWarning` with",
        "the code in `.code`. Only `model.check` shows an info. A finding may be less severe than",
        "its row.",
        "",
        'To silence a code: `cornu.config.silence("C012")`, `model.check(..., ignore=[...])`, or',
        'Python\'s own filters, `warnings.filterwarnings("ignore", message="C012")`.',
        "",
        "The column *fit* says whether `fit` checks for it; `model.check` finds the others.",
        "",
        "This page is generated from `cornu/inspect/checks/catalog.py`; a test compares them.",
        "",
        "| code | title | severity | fit | what it means | what to do |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind in _ROWS:
        in_fit = "yes" if kind.in_fit else ""
        lines.append(
            f"| {kind.code} | {kind.title} | {kind.severity} | {in_fit} | {kind.meaning} "
            f"| {kind.advice} |"
        )
    return "\n".join(lines) + "\n"
