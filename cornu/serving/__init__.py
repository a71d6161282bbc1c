"""Serving: predictions of a model over HTTP, in the Open Inference Protocol (KServe v2).

It requires `pip install "cornu[serve]"`: Starlette, Uvicorn and the client of Prometheus.
"""

from cornu.errors import missing_package as _missing_package
from cornu.errors import suggest_names as _suggest_names

try:
    from cornu.serving.application import create_application
    from cornu.serving.server import serve
except ModuleNotFoundError as _error:
    _package = str(_error.name).partition(".")[0]
    if _package not in ("prometheus_client", "starlette", "uvicorn"):
        raise
    raise _missing_package(_package, "serve", "cornu.serving") from None
from cornu.serving.options import ServingOptions

__all__ = ["ServingOptions", "create_application", "serve"]

_suggest_names(__name__, __all__)
