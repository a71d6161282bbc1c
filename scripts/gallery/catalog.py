"""The subjects of the gallery, the programs of each, and the packages that programs need."""

from __future__ import annotations

__all__ = ["OWN_PROCESS", "PACKAGES", "SUBJECTS", "names"]

SUBJECTS = {
    "Images": ("image_classification", "segmentation"),
    "Text": ("text_classification", "text_generation", "translation"),
    "Tables": ("tabular",),
    "Time series and audio": ("time_series", "audio"),
    "Graphs": ("graph",),
    "Generative models": ("autoencoder", "diffusion"),
    "Similarity and several tasks": ("siamese", "multi_task"),
    "Reinforcement learning": ("reinforcement",),
    "Transfer": ("transfer", "lora", "distillation"),
    "Smaller models, export and serving": ("quantization", "export_and_serving"),
    "Hyperparameters": ("keras_tuner_search", "optuna_search"),
    "Logs": ("wandb_logs", "mlflow_logs"),
    "scikit-learn and Ray": ("sklearn_pipeline", "ray_training"),
}
"""The names of programs by subject, in the order of the pages."""

PACKAGES = {
    "export_and_serving": ("onnxruntime", "starlette"),
    "keras_tuner_search": ("keras-tuner",),
    "optuna_search": ("optuna-integration",),
    "wandb_logs": ("wandb",),
    "mlflow_logs": ("mlflow",),
    "sklearn_pipeline": ("scikit-learn",),
    "ray_training": ("ray",),
}
"""The distributions that a program needs beside those that cornu needs, and Pillow."""

OWN_PROCESS = (
    "keras_tuner_search",
    "optuna_search",
    "wandb_logs",
    "mlflow_logs",
    "ray_training",
)
"""The programs that change their process: `keras` is cornu in it, or it has servers and workers."""


def names() -> list[str]:
    """Returns the names of all programs."""
    return [name for group in SUBJECTS.values() for name in group]
