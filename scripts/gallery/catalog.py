"""The subjects of the gallery, the programs of each, and the packages that programs need."""

from __future__ import annotations

__all__ = ["OWN_PROCESS", "PACKAGES", "SUBJECTS", "names"]

SUBJECTS = {
    "Images": ("image_classification",),
    "Text": ("text_classification",),
    "Tables": ("tabular",),
    "Time series": ("time_series",),
    "Similarity": ("siamese",),
    "Transfer": ("distillation",),
    "Smaller models": ("quantization",),
    "scikit-learn": ("sklearn_pipeline",),
}
"""The names of programs by subject, in the order of the pages."""

PACKAGES = {"sklearn_pipeline": ("scikit-learn",)}
"""The distributions that a program needs beside those that cornu needs, and Pillow."""

OWN_PROCESS: tuple[str, ...] = ()
"""The programs that change their process: `keras` is cornu in it, or it has servers and workers."""


def names() -> list[str]:
    """Returns the names of all programs."""
    return [name for group in SUBJECTS.values() for name in group]
