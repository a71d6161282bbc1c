"""Callbacks: objects that `fit`, `evaluate` and `predict` call at each epoch and batch.

Those that `fit` does not need by itself are imported when they are first used.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.callbacks.backup_and_restore import BackupAndRestore
from cornu.callbacks.callback import Callback
from cornu.callbacks.callback_list import CallbackList
from cornu.callbacks.history import History
from cornu.callbacks.progbar_logger import ProgbarLogger
from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.callbacks.csv_logger import CSVLogger
    from cornu.callbacks.early_stopping import EarlyStopping
    from cornu.callbacks.lambda_callback import LambdaCallback
    from cornu.callbacks.learning_rate_scheduler import LearningRateScheduler
    from cornu.callbacks.live_curve import LiveCurve
    from cornu.callbacks.lr_finder import LRFinder
    from cornu.callbacks.model_checkpoint import ModelCheckpoint
    from cornu.callbacks.on_exception import OnException
    from cornu.callbacks.on_signal import OnSignal
    from cornu.callbacks.orbax_checkpoint import OrbaxCheckpoint
    from cornu.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
    from cornu.callbacks.remote_monitor import RemoteMonitor
    from cornu.callbacks.spike_skip import SpikeSkip
    from cornu.callbacks.statistics import Statistics
    from cornu.callbacks.swa import SWA
    from cornu.callbacks.swap_ema_weights import SwapEMAWeights
    from cornu.callbacks.tensorboard.callback import TensorBoard
    from cornu.callbacks.terminate_on_nan import TerminateOnNaN
    from cornu.callbacks.timer import Timer
    from cornu.callbacks.unfreeze import Unfreeze

__all__ = [
    "SWA",
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LRFinder",
    "LambdaCallback",
    "LearningRateScheduler",
    "LiveCurve",
    "ModelCheckpoint",
    "OnException",
    "OnSignal",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SpikeSkip",
    "Statistics",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "Timer",
    "Unfreeze",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.callbacks.csv_logger": ("CSVLogger",),
        "cornu.callbacks.early_stopping": ("EarlyStopping",),
        "cornu.callbacks.lambda_callback": ("LambdaCallback",),
        "cornu.callbacks.learning_rate_scheduler": ("LearningRateScheduler",),
        "cornu.callbacks.live_curve": ("LiveCurve",),
        "cornu.callbacks.lr_finder": ("LRFinder",),
        "cornu.callbacks.model_checkpoint": ("ModelCheckpoint",),
        "cornu.callbacks.on_exception": ("OnException",),
        "cornu.callbacks.on_signal": ("OnSignal",),
        "cornu.callbacks.orbax_checkpoint": ("OrbaxCheckpoint",),
        "cornu.callbacks.reduce_lr_on_plateau": ("ReduceLROnPlateau",),
        "cornu.callbacks.remote_monitor": ("RemoteMonitor",),
        "cornu.callbacks.spike_skip": ("SpikeSkip",),
        "cornu.callbacks.statistics": ("Statistics",),
        "cornu.callbacks.swa": ("SWA",),
        "cornu.callbacks.swap_ema_weights": ("SwapEMAWeights",),
        "cornu.callbacks.tensorboard.callback": ("TensorBoard",),
        "cornu.callbacks.terminate_on_nan": ("TerminateOnNaN",),
        "cornu.callbacks.timer": ("Timer",),
        "cornu.callbacks.unfreeze": ("Unfreeze",),
    },
)
