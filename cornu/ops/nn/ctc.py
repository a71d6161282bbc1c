"""Connectionist temporal classification: labels for sequences without knowing where they are.

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

# Finite, so that gradients of what cannot happen are 0 and not NaN.
_NEVER = -1e5

# The labels so far of each beam, how many, and the log-probabilities that the last frame was a
# label, or blank.
_Beam = tuple[Array, Array, Array, Array]


@op
def ctc_loss(
    target: ArrayLike,
    output: ArrayLike,
    target_length: ArrayLike,
    output_length: ArrayLike,
    mask_index: int = 0,
) -> Array:
    """The negative log of the probability that the outputs spell the labels.

    Any number of frames may spell one label, and blank frames may stand between labels (and must
    between equal ones).

    Args:
        target: the labels, padded at the end.
        output: logits of the classes in each frame.
        target_length: the number of labels of each sample.
        output_length: the number of frames of each sample.
        mask_index: the class that means blank.

    Shapes:
        target (batch, labels), output (batch, frames, classes), target_length (batch,),
        output_length (batch,) -> (batch,).

    Example:

    >>> import cornu
    >>> loss = cornu.ops.ctc_loss([[1]], [[[0.0, 0.0]]], [1], [1])  # one frame, two classes
    >>> round(float(loss[0]), 4)
    0.6931

    Differences: PyTorch's `ctc_loss` takes log-probabilities, frames first.
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
    # A label may follow another at once, leaving out the blank between, unless they are equal.
    may_skip = _from_left(states[:, 2:] != states[:, :-2], 2, False)

    def step(reached: Array, frame: tuple[Array, Array]) -> tuple[Array, None]:
        number, emitted = frame
        skipped = jnp.where(may_skip, _from_left(reached[:, :-2], 2, _NEVER), _NEVER)
        ways = jnp.stack([reached, _from_left(reached[:, :-1], 1, _NEVER), skipped])
        following = jax.nn.logsumexp(ways, axis=0) + emitted
        return jnp.where(number < frames, following, reached), None

    reached = jnp.full_like(emitted[:, 0], _NEVER).at[:, 0].set(0.0)
    numbers = jnp.arange(output.shape[1])
    reached, _ = lax.scan(step, reached, (numbers, jnp.swapaxes(emitted, 0, 1)))
    at_blank = jnp.take_along_axis(reached, 2 * last, axis=1)
    at_label = jnp.take_along_axis(reached, jnp.maximum(2 * last - 1, 0), axis=1)
    at_label = jnp.where(last > 0, at_label, _NEVER)
    return -jnp.logaddexp(at_blank, at_label)[:, 0]


def _from_left(x: Array, count: int, fill: float) -> Array:
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
    """The most probable labels of sequences.

    Args:
        inputs: scores of the classes in each frame (logits or log-probabilities for a beam search).
        sequence_lengths: the number of frames of each sample.
        strategy: `"greedy"`: the best class of each frame; `"beam_search"`: the best labels, a
            label's probability being that of all ways to spell it.
        beam_width: how many beginnings a beam search follows.
        top_paths: how many results a beam search returns.
        merge_repeated: whether a class that is repeated in frames without a blank between is one
            label (greedy).
        mask_index: the class that means blank; the last one for `None`.

    Returns:
        labels (paths, batch, frames), filled up with -1, and scores (batch, paths): the negative
        sum of the best classes' inputs (greedy), or log-probabilities (beam search).

    Raises:
        ValueError: the strategy is unknown, or more paths are asked for than are followed.

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
        return _best_classes(inputs, lengths, blank, merge_repeated)
    if strategy != "beam_search":
        raise ValueError(f"strategy must be 'greedy' or 'beam_search'. Received: {strategy!r}")
    if top_paths > beam_width:
        raise ValueError(
            f"ctc_decode: top_paths={top_paths} exceeds beam_width={beam_width}, the number of "
            "beginnings that are followed."
        )
    search = functools.partial(_search, blank=blank, width=beam_width, top=top_paths)
    paths, scores = jax.vmap(search)(jax.nn.log_softmax(inputs), lengths)
    return jnp.swapaxes(paths, 0, 1), scores


def _best_classes(
    inputs: Array, lengths: Array, blank: int, merge_repeated: bool
) -> tuple[Array, Array]:
    inside = jnp.arange(inputs.shape[1]) < lengths[:, None]
    labels = jnp.where(inside, jnp.argmax(inputs, axis=-1), blank)
    scores = jnp.sum(jnp.where(inside, jnp.max(inputs, axis=-1), 0.0), axis=1, keepdims=True)
    silent = labels == blank
    if merge_repeated:
        silent |= _from_left(labels[:, 1:] == labels[:, :-1], 1, False)
    order = jnp.argsort(silent, axis=1, stable=True)  # labels first, in their order
    labels = jnp.take_along_axis(jnp.where(silent, -1, labels), order, axis=1)
    return labels[None], -scores


def _search(
    frames: Array, length: Array, *, blank: int, width: int, top: int
) -> tuple[Array, Array]:
    """Returns the best labels of one sequence of log-probabilities, and their log-probabilities."""
    count, classes = frames.shape

    def step(beam: _Beam, frame: tuple[Array, Array]) -> tuple[_Beam, None]:
        number, score = frame
        grown = _grow(beam, score, blank)
        return jax.tree_util.tree_map(
            lambda a, b: jnp.where(number < length, a, b), grown, beam
        ), None

    # The search starts with no labels; the other beams are such as cannot be.
    impossible = jnp.full(width, -jnp.inf, frames.dtype)
    beam = (
        jnp.full((width, count), -1, jnp.int32),
        jnp.zeros(width, jnp.int32),
        impossible,
        impossible.at[0].set(0.0),
    )
    (paths, _, spoken, silent), _ = lax.scan(step, beam, (jnp.arange(count), frames))
    scores, best = lax.top_k(jnp.logaddexp(spoken, silent), top)
    return jnp.where(scores[:, None] > -jnp.inf, paths[best], -1), scores


def _grow(beam: _Beam, score: Array, blank: int) -> _Beam:
    """Returns the best beams after one more frame."""
    paths, sizes, spoken, silent = beam
    width, classes = sizes.shape[0], score.shape[0]
    each = jnp.arange(width)
    total = jnp.logaddexp(spoken, silent)
    tail = jnp.where(sizes > 0, paths[each, sizes - 1], blank)

    # Labels stay the same: a blank, or the last label once more.
    still_silent = total + score[blank]
    still_spoken = jnp.where(sizes > 0, spoken + score[tail], -jnp.inf)
    # Or one is added, the same one only after a blank.
    repeats = jnp.arange(classes) == tail[:, None]
    added = jnp.where(repeats, silent[:, None], total[:, None]) + score
    added = added.at[:, blank].set(-jnp.inf)

    # What some beam becomes by an addition may be another beam: they are one.
    parents = paths.at[each, sizes - 1].set(-1)
    alive = total > -jnp.inf
    same = jnp.all(parents[:, None] == paths[None], axis=2)
    same &= (alive & (sizes > 0))[:, None] & alive
    has_parent, parent = same.any(axis=1), same.argmax(axis=1)
    joined = jnp.where(has_parent, added[parent, tail], -jnp.inf)
    still_spoken = jnp.logaddexp(still_spoken, joined)
    gone = jnp.where(has_parent, parent, width)  # an index outside is dropped
    added = added.at[gone, tail].set(-jnp.inf, mode="drop")

    kept = jnp.logaddexp(still_silent, still_spoken)
    scores, best = lax.top_k(jnp.concatenate([kept, added.ravel()]), width)
    stays = best < width
    source = jnp.where(stays, best, (best - width) // classes)
    label = (best - width) % classes
    grown = paths[source].at[each, sizes[source]].set(label, mode="drop")
    return (
        jnp.where(stays[:, None], paths[source], grown),
        sizes[source] + jnp.where(stays, 0, 1),
        jnp.where(stays, still_spoken[source], scores),
        jnp.where(stays, still_silent[source], -jnp.inf),
    )
