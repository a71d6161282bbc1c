"""Trees of arrays of JAX programs, as arrays by key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.export.weights.files import read_safetensors
from cornu.saving.formats.orbax_tree import read_orbax_tree
from cornu.saving.hub import local_weights
from cornu.saving.validation import resolve_existing_path

__all__ = [
    "Tree",
    "flatten",
    "normalize_key",
    "open_tree",
    "read_orbax",
    "read_tree",
    "relabel",
]

# The collections of linen that are weights; the others are of a call.
_COLLECTIONS = ("params", "batch_stats")
# The attribute of a Variable of nnx; its random keys are not weights.
_VALUE, _KEYS = "value", "rngs"
# Names of attributes of nnx that are keywords of Python, as linen names them.
_KEYWORDS = {"if_": "if", "in_": "in"}
# Names of parameters in other libraries and programs.
_PATTERNS = ("model.safetensors", "*.safetensors")  # of files in a repository
_ALIASES = {"w": "kernel", "b": "bias", "offset": "bias", "embeddings": "embedding"}


class Tree(NamedTuple):
    """The weights of a tree.

    Attributes:
        arrays: the arrays by key, such as `encoder/Dense_0/kernel`.
        labels: the keys in the tree of the user.
    """

    arrays: dict[str, np.ndarray]
    labels: dict[str, str]


@api_boundary
def read_orbax(path: str | os.PathLike[str]) -> Any:
    """Reads a checkpoint of Orbax that any program of JAX has written.

    Args:
        path: the directory of a checkpoint; or the directory of a `CheckpointManager`, of which
            the latest step is read.

    Returns:
        The tree of arrays of NumPy. Tuples are lists, and dataclasses are dicts, since checkpoints
        do not contain classes. A step with several items is a dict of these.

    Raises:
        FileNotFoundError: there is no checkpoint.
        ValueError: it is damaged, or contains symbolic links.
        ImportError: Orbax is not installed.
    """
    return read_orbax_tree(resolve_existing_path(path, directories=True))


def read_tree(source: Any) -> Tree:
    """Returns the weights of a tree, or of a file.

    Args:
        source: a tree: the collections or parameters of linen, a state or module of nnx, a
            TrainState, or nested dicts; or the path of a checkpoint of Orbax or of a
            `.safetensors` file.
    """
    found: dict[str, np.ndarray] = {}
    labels: dict[str, str] = {}
    parts = list(flatten(open_tree(source)))
    is_split = any(path[0] in _COLLECTIONS for path, _ in parts)
    for path, array in parts:
        if is_split and path[0] not in _COLLECTIONS:
            continue  # the state of an optimizer, or of a call
        label = "/".join(path)
        key = normalize_key(path)
        if key in found:
            raise ValueError(f"{label!r} and {labels[key]!r} are the same parameter.")
        found[key], labels[key] = array, label
    return Tree(found, labels)


def flatten(tree: Any) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yields the arrays of a tree with their paths; random keys and texts are left out."""
    for keys, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        path = [jax.tree_util.keystr((key,), simple=True) for key in keys]
        if not path:
            raise TypeError(f"Expected a tree of arrays. Received: {type(leaf).__name__}")
        if path[-1:] == [_VALUE] and len(path) > 1:
            path.pop()
        if _KEYS in path or isinstance(leaf, (str, bytes)):
            continue
        if not isinstance(leaf, (np.ndarray, np.generic, jax.Array, int, float)):
            raise TypeError(
                f"Expected a tree of arrays. Received at {'/'.join(path)!r}: {type(leaf).__name__}"
            )
        is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        if not is_key:
            yield path, np.asarray(leaf)


def open_tree(source: Any) -> Any:
    """Returns a tree, which is read if the source is the path of a file."""
    if not isinstance(source, (str, os.PathLike)):
        return source
    path = resolve_existing_path(local_weights(source, _PATTERNS), directories=True)
    return read_orbax_tree(path) if path.is_dir() else _read_file(path)


def _read_file(path: Path) -> dict[str, np.ndarray]:
    if path.suffix != ".safetensors":
        raise ValueError(
            f"{str(path)!r}: expected the directory of a checkpoint of Orbax, or a file with the "
            "suffix .safetensors."
        )
    arrays = read_safetensors(path)
    has_slashes = any("/" in key for key in arrays)
    return arrays if has_slashes else {k.replace(".", "/"): x for k, x in arrays.items()}


def normalize_key(path: Sequence[str]) -> str:
    """Returns the key of an array, with the names of linen and without collections."""
    parts = "/".join(path).split("/")
    while parts[0] in _COLLECTIONS and len(parts) > 1:
        parts.pop(0)
    parts = [_KEYWORDS.get(part, part) for part in parts]
    return "/".join([*parts[:-1], _ALIASES.get(parts[-1], parts[-1])])


def relabel(unused: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Returns the reasons by the keys in the tree of the user."""
    return {labels.get(key, key): reason for key, reason in unused.items()}
