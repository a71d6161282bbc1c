"""Connectionist temporal classification: sequence labeling without alignment.

References: Graves, Fernández, Gomez and Schmidhuber (2006), "Connectionist Temporal
Classification: Labelling Unsegmented Sequence Data with Recurrent Neural Networks".
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import lax

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.types import Array, ArrayLike

__all__ = ["ctc_decode", "ctc_loss"]

# The log-probability of unreachable states. It is finite, so that their gradients are 0, not NaN.
_LOG_ZERO = -1e5

# For each beam: its labels so far, their number, and the log-probabilities of the prefixes that end
# with a label and with a blank.
_Beam = tuple[Array, Array, Array, Array]


@op
def ctc_loss(
    target: ArrayLike,
    output: ArrayLike,
    target_length: ArrayLike,
    output_length: ArrayLike,
    mask_index: int = 0,
) -> Array:
    """Computes the negative log-probability of the labels, summed over all alignments.

    In an alignment, each label spans at least one frame. Blank frames may occur between labels,
    and must occur between equal labels.

    Args:
        target: the labels, padded at the end.
        output: the logits of the classes in each frame.
        target_length: the number of labels of each sample.
        output_length: the number of frames of each sample.
        mask_index: the index of the blank class.

    Shapes:
        target (batch, labels), output (batch, frames, classes), target_length (batch,),
        output_length (batch,) -> (batch,).

    Example:

    >>> import cornu
    >>> loss = cornu.ops.ctc_loss([[1]], [[[0.0, 0.0]]], [1], [1])  # one frame, two classes
    >>> round(float(loss[0]), 4)
    0.6931

    Note: PyTorch's `ctc_loss` takes log-probabilities, frames first.
    """
    target = to_array(target)
    output = to_array(output)
    target_length = to_array(target_length)
    output_length = to_array(output_length)
    target = target.astype("int32")
    last, frames = (n.astype("int32")[:, None] for n in (target_length, output_length))
    log_probability = jax.nn.log_softmax(output.astype(jnp.promote_types(output.dtype, "float32")))

    # States: blank, label 0, blank, label 1, ..., blank.
    blank = jnp.full_like(target, mask_index)
    pairs = jnp.stack([blank, target], axis=2).reshape(target.shape[0], 2 * target.shape[1])
    states = jnp.concatenate([pairs, jnp.full_like(pairs[:, :1], mask_index)], axis=1)
    emitted = jnp.take_along_axis(log_probability, states[:, None, :], axis=2)
    # The blank between two labels may be skipped unless the labels are equal.
    may_skip = _shift_right(states[:, 2:] != states[:, :-2], 2, False)

    def step(forward: Array, frame: tuple[Array, Array]) -> tuple[Array, None]:
        number, emitted = frame
        skipped = jnp.where(may_skip, _shift_right(forward[:, :-2], 2, _LOG_ZERO), _LOG_ZERO)
        # From the same state, from the previous one, and from the one before that.
        sources = jnp.stack([forward, _shift_right(forward[:, :-1], 1, _LOG_ZERO), skipped])
        updated = jax.nn.logsumexp(sources, axis=0) + emitted
        return jnp.where(number < frames, updated, forward), None

    # Before the first frame, only state 0 is possible: it leads to the blank and to the first
    # label.
    forward = jnp.full_like(emitted[:, 0], _LOG_ZERO).at[:, 0].set(0.0)
    numbers = jnp.arange(output.shape[1])
    forward, _ = lax.scan(step, forward, (numbers, jnp.swapaxes(emitted, 0, 1)))
    # An alignment ends with the last label or with the blank after it.
    at_blank = jnp.take_along_axis(forward, 2 * last, axis=1)
    at_label = jnp.take_along_axis(forward, jnp.maximum(2 * last - 1, 0), axis=1)
    at_label = jnp.where(last > 0, at_label, _LOG_ZERO)
    return -jnp.logaddexp(at_blank, at_label)[:, 0]


def _shift_right(x: Array, count: int, fill: float) -> Array:
    return jnp.pad(x, ((0, 0), (count, 0)), constant_values=fill)


@op
def ctc_decode(
    inputs: ArrayLike,
    sequence_lengths: ArrayLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Array, Array]:
    """Decodes the most probable labels of sequences.

    Args:
        inputs: the scores of the classes in each frame; logits or log-probabilities for
            `"beam_search"`.
        sequence_lengths: the number of frames of each sample.
        strategy: `"greedy"` for the best class of each frame, or `"beam_search"` for the labels
            with the highest probability, summed over all alignments.
        beam_width: the number of prefixes that a beam search keeps.
        top_paths: the number of results of a beam search.
        merge_repeated: whether repeated classes without a blank in between are merged into one
            label (greedy only).
        mask_index: the index of the blank class; the last class if `None`.

    Returns:
        Labels (paths, batch, frames), padded with -1, and scores (batch, paths): the negative sum
        of the scores of the best classes (greedy), or log-probabilities (beam search).

    Raises:
        ValueError: the strategy is unknown, or `top_paths` exceeds `beam_width`.

    Example:

    >>> import cornu
    >>> frames = cornu.ops.one_hot([[1, 1, 0, 2]], 3)
    >>> labels, scores = cornu.ops.ctc_decode(frames, [4])
    >>> labels.tolist(), scores.tolist()
    ([[[1, 2, -1, -1]]], [[-4.0]])

    References: Hannun, Maas, Jurafsky and Ng (2014), "First-Pass Large Vocabulary Continuous
    Speech Recognition using Bi-Directional Recurrent DNNs" (prefix beam search).
    """
    inputs, sequence_lengths = to_array(inputs), to_array(sequence_lengths)
    lengths = sequence_lengths.astype("int32")
    inputs = inputs.astype(jnp.promote_types(inputs.dtype, "float32"))
    blank = inputs.shape[-1] - 1 if mask_index is None else mask_index
    if strategy == "greedy":
        return _greedy(inputs, lengths, blank, merge_repeated)
    if strategy != "beam_search":
        raise ValueError(f"strategy must be 'greedy' or 'beam_search'. Received: {strategy!r}")
    if top_paths > beam_width:
        raise ValueError(
            f"ctc_decode: top_paths={top_paths} must not exceed beam_width={beam_width}."
        )
    search = functools.partial(_beam_search, blank=blank, width=beam_width, top=top_paths)
    paths, scores = jax.vmap(search)(jax.nn.log_softmax(inputs), lengths)
    return jnp.swapaxes(paths, 0, 1), scores


def _greedy(inputs: Array, lengths: Array, blank: int, merge_repeated: bool) -> tuple[Array, Array]:
    inside = jnp.arange(inputs.shape[1]) < lengths[:, None]
    labels = jnp.where(inside, jnp.argmax(inputs, axis=-1), blank)
    scores = jnp.sum(jnp.where(inside, jnp.max(inputs, axis=-1), 0.0), axis=1, keepdims=True)
    removed = labels == blank
    if merge_repeated:
        removed |= _shift_right(labels[:, 1:] == labels[:, :-1], 1, False)
    order = jnp.argsort(removed, axis=1, stable=True)  # moves the labels to the front, in order
    labels = jnp.take_along_axis(jnp.where(removed, -1, labels), order, axis=1)
    return labels[None], -scores


def _beam_search(
    frames: Array, length: Array, *, blank: int, width: int, top: int
) -> tuple[Array, Array]:
    """Returns the best labels of one sequence of log-probabilities, and their log-probabilities."""
    count, classes = frames.shape

    def step(beam: _Beam, frame: tuple[Array, Array]) -> tuple[_Beam, None]:
        number, score = frame
        extended = _extend(beam, score, blank)
        return jax.tree_util.tree_map(
            lambda a, b: jnp.where(number < length, a, b), extended, beam
        ), None

    # The search starts with one empty prefix; the other beams have probability 0.
    impossible = jnp.full(width, -jnp.inf, frames.dtype)
    beam = (
        jnp.full((width, count), -1, jnp.int32),
        jnp.zeros(width, jnp.int32),
        impossible,
        impossible.at[0].set(0.0),
    )
    (paths, _, with_label, with_blank), _ = lax.scan(step, beam, (jnp.arange(count), frames))
    scores, best = lax.top_k(jnp.logaddexp(with_label, with_blank), top)
    return jnp.where(scores[:, None] > -jnp.inf, paths[best], -1), scores


def _extend(beam: _Beam, score: Array, blank: int) -> _Beam:
    """Returns the best beams after one more frame."""
    paths, sizes, with_label, with_blank = beam
    width, classes = sizes.shape[0], score.shape[0]
    each = jnp.arange(width)
    total = jnp.logaddexp(with_label, with_blank)
    tail = jnp.where(sizes > 0, paths[each, sizes - 1], blank)

    # The prefix stays the same: after a blank, or after a repetition of its last label.
    stay_blank = total + score[blank]
    stay_label = jnp.where(sizes > 0, with_label + score[tail], -jnp.inf)
    # Or a label is appended. A label equal to the last one requires a blank in between.
    repeats = jnp.arange(classes) == tail[:, None]
    added = jnp.where(repeats, with_blank[:, None], total[:, None]) + score
    added = added.at[:, blank].set(-jnp.inf)

    # An extended prefix may equal the prefix of another beam. Their probabilities are summed, and
    # the extension is removed.
    parents = paths.at[each, sizes - 1].set(-1)
    alive = total > -jnp.inf
    same = jnp.all(parents[:, None] == paths[None], axis=2)
    same &= (alive & (sizes > 0))[:, None] & alive
    has_parent, parent = same.any(axis=1), same.argmax(axis=1)
    joined = jnp.where(has_parent, added[parent, tail], -jnp.inf)
    stay_label = jnp.logaddexp(stay_label, joined)
    removed = jnp.where(has_parent, parent, width)  # an index out of range is dropped
    added = added.at[removed, tail].set(-jnp.inf, mode="drop")

    kept = jnp.logaddexp(stay_blank, stay_label)
    scores, best = lax.top_k(jnp.concatenate([kept, added.ravel()]), width)
    stays = best < width
    source = jnp.where(stays, best, (best - width) // classes)
    label = (best - width) % classes
    extended = paths[source].at[each, sizes[source]].set(label, mode="drop")
    return (
        jnp.where(stays[:, None], paths[source], extended),
        sizes[source] + jnp.where(stays, 0, 1),
        jnp.where(stays, stay_label[source], scores),
        jnp.where(stays, stay_blank[source], -jnp.inf),
    )
