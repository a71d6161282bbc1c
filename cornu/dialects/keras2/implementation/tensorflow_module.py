"""`tensorflow` for programs that use its Keras alone: a module that has `tensorflow.keras`."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

from cornu import utils
from cornu.dialects.tree import list_modules

__all__ = ["USED_WITH_KERAS", "install_tensorflow"]

# What programs of tf.keras use besides it: seeds, and questions about devices.
USED_WITH_KERAS = frozenset(
    "keras random.set_seed set_random_seed compat.v1.set_random_seed executing_eagerly "
    "config.list_physical_devices config.experimental.list_physical_devices "
    "config.experimental.set_memory_growth test.is_gpu_available test.gpu_device_name "
    "get_logger compat.v1.logging.set_verbosity compat.v1.logging.ERROR __version__".split()
)


class TensorFlow(ModuleType):
    """The module `tensorflow`.

    Args:
        keras: the module `tensorflow.keras`.
    """

    __version__ = "2.15.0"

    def __init__(self, keras: ModuleType) -> None:
        super().__init__("tensorflow", "tensorflow.keras, implemented by cornu.")
        self.__path__: list[str] = []
        self.keras = keras
        devices = SimpleNamespace(
            list_physical_devices=_no_devices, set_memory_growth=lambda device, enable: None
        )
        logging = SimpleNamespace(set_verbosity=lambda level: None, ERROR=40)
        self.random = SimpleNamespace(set_seed=utils.set_random_seed)
        self.set_random_seed = utils.set_random_seed
        self.config = SimpleNamespace(list_physical_devices=_no_devices, experimental=devices)
        self.test = SimpleNamespace(
            is_gpu_available=lambda *args, **kwargs: False, gpu_device_name=lambda: ""
        )
        self.executing_eagerly = lambda: True
        self.get_logger = lambda: SimpleNamespace(setLevel=lambda level: None)
        self.compat = SimpleNamespace(
            v1=SimpleNamespace(set_random_seed=utils.set_random_seed, logging=logging)
        )

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"tensorflow.{name} is not available: cornu provides tensorflow.keras only. Install "
            "TensorFlow for programs that use more of it."
        )


def _no_devices(device_type: str | None = None) -> list[Any]:
    return []


def install_tensorflow(keras: ModuleType) -> None:
    """Makes `tensorflow`, `tensorflow.keras` and `tensorflow.python.keras` importable.

    Args:
        keras: the module `tensorflow.keras`.
    """
    modules = list_modules(keras)
    root = sys.modules["tensorflow"] = TensorFlow(keras)
    # The path of the implementation, from which programs import, too.
    inner = ModuleType("tensorflow.python")
    vars(inner).update(__path__=[], keras=keras)
    vars(root)["python"] = inner
    sys.modules["tensorflow.python"] = inner
    for name, module in modules.items():
        sys.modules[name] = module
        sys.modules[name.replace("tensorflow.keras", "tensorflow.python.keras", 1)] = module
