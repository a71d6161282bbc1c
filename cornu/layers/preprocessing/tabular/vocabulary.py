"""VocabularyLayer: what layers with a vocabulary store in configs and files."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import registry
from cornu.layers.preprocessing.base import AdaptableLayer
from cornu.types import ArrayLike

if TYPE_CHECKING:
    from cornu.layers.preprocessing.tabular.index_lookup import IndexLookup

__all__ = ["VocabularyLayer", "read_lines"]


class VocabularyLayer(AdaptableLayer):
    """Base class of layers whose config contains a vocabulary, passed or computed.

    Keras stores a vocabulary that `adapt` computed in a file of its own, and the weights of its
    terms as an array. Both are read from archives of Keras. Archives of cornu contain the array as
    well, because Keras requires it; the vocabulary is in the config.
    """

    _stores_itself_ = True
    _has_assets_ = True
    _stored_weights_: Any = None  # those of a file, until the vocabulary is read

    def _index_(self) -> IndexLookup:
        """Returns the layer that holds the vocabulary."""
        raise NotImplementedError

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Stores the weights of the terms, with `output_mode="tf_idf"`."""
        weights = self._index_().idf_weights
        if weights is not None:
            store["idf_weights"] = weights

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Keeps the weights of the terms until `load_assets` reads the vocabulary."""
        self._stored_weights_ = store.get("idf_weights")

    def save_assets(self, dir_path: str) -> None:
        """Writes nothing: the config contains the vocabulary.

        Args:
            dir_path: the directory for files of the layer.
        """

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary that Keras stored, unless the config contains one.

        Args:
            dir_path: the directory with the files of the layer.
        """
        index = self._index_()
        if index.vocabulary_size() > len(index._special_tokens_()):
            return
        lines = read_lines(Path(dir_path, "vocabulary.txt"), self._label_())
        while lines and not lines[-1]:
            lines.pop()
        weights = self._stored_weights_ if index.output_mode == "tf_idf" else None
        terms = index._parse_lines_(lines)
        index.set_vocabulary(terms, None if weights is None else weights[: len(terms)])

    def set_vocabulary(self, vocabulary: Any, idf_weights: ArrayLike | None = None) -> None:
        """Sets the vocabulary.

        Args:
            vocabulary: the terms in order, or the path of a text file with a term on each line.
            idf_weights: for `output_mode="tf_idf"` only, the weight of each term.
        """
        raise NotImplementedError

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the constructor arguments except the vocabulary, which `get_config` adds."""
        left_out = ("vocabulary", "idf_weights")
        return {k: v for k, v in super()._constructor_arguments_().items() if k not in left_out}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Creates a layer from a config.

        Raises:
            ValueError: the vocabulary of the config is the path of a file, which is not opened for
                security.
        """
        known = ("vocabulary", "idf_weights", "vocabulary_size", "has_input_vocabulary")
        vocabulary, weights = (registry.deserialize(config.get(name)) for name in known[:2])
        layer = super().from_config(
            {k: v for k, v in config.items() if k not in known}, custom_objects
        )
        if vocabulary is not None:
            if not isinstance(vocabulary, (list, tuple, np.ndarray)):
                raise ValueError(
                    f"The config of {cls.__name__} has the vocabulary {vocabulary!r}; expected a "
                    "list of terms.\nFor security, files named by a config are not opened: "
                    "construct the layer in your program, or call set_vocabulary(path) on it."
                )
            layer.set_vocabulary(vocabulary, weights)
        elif isinstance(config.get("vocabulary_size"), int):
            layer._index_()._expected_size_ = config["vocabulary_size"]
        return layer


def read_lines(path: Path, label: str) -> list[str]:
    """Returns the lines of a vocabulary file.

    Args:
        path: the file.
        label: the name of the layer in error messages.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{label}: vocabulary file not found: {str(path)!r}.")
    return path.read_text(encoding="utf-8").splitlines()
