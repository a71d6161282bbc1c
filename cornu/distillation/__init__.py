"""Knowledge distillation: a small model learns from the outputs of a large one."""

from cornu.distillation.distiller import Distiller
from cornu.distillation.losses import DistillationLoss, FeatureDistillation, LogitsDistillation
from cornu.errors import suggest_names as _suggest_names

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]

_suggest_names(__name__, __all__)
