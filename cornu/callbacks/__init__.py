"""Callbacks: objects that `fit`, `evaluate` and `predict` call at each epoch and batch."""

from cornu.callbacks.backup_and_restore import BackupAndRestore
from cornu.callbacks.callback import Callback
from cornu.callbacks.callback_list import CallbackList
from cornu.callbacks.csv_logger import CSVLogger
from cornu.callbacks.early_stopping import EarlyStopping
from cornu.callbacks.history import History
from cornu.callbacks.lambda_callback import LambdaCallback
from cornu.callbacks.learning_rate_scheduler import LearningRateScheduler
from cornu.callbacks.live_curve import LiveCurve
from cornu.callbacks.lr_finder import LRFinder
from cornu.callbacks.model_checkpoint import ModelCheckpoint
from cornu.callbacks.on_exception import OnException
from cornu.callbacks.on_signal import OnSignal
from cornu.callbacks.orbax_checkpoint import OrbaxCheckpoint
from cornu.callbacks.progbar_logger import ProgbarLogger
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
from cornu.errors import suggest_names as _suggest_names

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
