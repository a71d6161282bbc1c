"""The FeatureSpace of the table, in Keras's API."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.pipelines import files

__all__ = ["feature_space", "table_to_adapt"]


def feature_space(keras: Any) -> Any:
    """Returns the FeatureSpace of cornu or Keras: two normalized and two one-hot columns.

    Args:
        keras: the module, cornu or keras.
    """
    space, layers = keras.utils.FeatureSpace, keras.layers
    features = {
        name: space.feature(
            "float32",
            layers.Normalization(mean=files.MEANS[name], variance=files.VARIANCES[name]),
            "float",
        )
        for name in ("age", "income")
    }
    for name in ("city", "job"):
        lookup = layers.StringLookup(num_oov_indices=1)
        features[name] = space.feature("string", lookup, "one_hot")
    return space(features, output_mode="concat")


def table_to_adapt() -> dict[str, np.ndarray]:
    """Returns a table in which earlier words are more frequent, so that their order is known."""
    city, job = (
        np.repeat(words, np.arange(len(words), 0, -1)) for words in (files.CITIES, files.JOBS)
    )
    job = np.concatenate([np.repeat(files.JOBS[:1], len(city) - len(job)), job])
    zeros = np.zeros(len(city), "float32")
    return {"age": zeros, "income": zeros, "city": city, "job": job}
