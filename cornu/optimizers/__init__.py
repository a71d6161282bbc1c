"""Optimizers: methods that update a model's Variables so that its loss decreases."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late
from cornu.optimizers import schedules
from cornu.optimizers.base import Optimizer
from cornu.optimizers.lookup import deserialize, get, serialize
from cornu.optimizers.rules.adam import Adam, AdamW
from cornu.optimizers.rules.rmsprop import RMSprop
from cornu.optimizers.rules.sgd import SGD
from cornu.optimizers.wrappers.loss_scale import LossScaleOptimizer
from cornu.optimizers.wrappers.multi import MultiOptimizer, OptimizerMap
from cornu.optimizers.wrappers.optax import OptaxOptimizer

if _TYPE_CHECKING:
    from cornu.optimizers.rules.adadelta import Adadelta
    from cornu.optimizers.rules.adafactor import Adafactor
    from cornu.optimizers.rules.adagrad import Adagrad
    from cornu.optimizers.rules.adamax import Adamax
    from cornu.optimizers.rules.ftrl import Ftrl
    from cornu.optimizers.rules.lamb import Lamb
    from cornu.optimizers.rules.lion import Lion
    from cornu.optimizers.rules.muon import Muon
    from cornu.optimizers.rules.nadam import Nadam
    from cornu.optimizers.rules.schedule_free import ScheduleFreeAdamW

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptaxOptimizer",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.optimizers.rules.adadelta": ("Adadelta",),
        "cornu.optimizers.rules.adafactor": ("Adafactor",),
        "cornu.optimizers.rules.adagrad": ("Adagrad",),
        "cornu.optimizers.rules.adamax": ("Adamax",),
        "cornu.optimizers.rules.ftrl": ("Ftrl",),
        "cornu.optimizers.rules.lamb": ("Lamb",),
        "cornu.optimizers.rules.lion": ("Lion",),
        "cornu.optimizers.rules.muon": ("Muon",),
        "cornu.optimizers.rules.nadam": ("Nadam",),
        "cornu.optimizers.rules.schedule_free": ("ScheduleFreeAdamW",),
    },
)
