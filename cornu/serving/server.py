"""`serve`: runs the web application of a model until SIGTERM or Ctrl-C."""

from __future__ import annotations

import uvicorn

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.models import Model
from cornu.serving.application import create_application
from cornu.serving.options import ServingOptions

__all__ = ["serve"]


@api_boundary
def serve(
    model: Model,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    name: str | None = None,
    options: ServingOptions | None = None,
    shutdown_timeout: int = 30,
    log_level: str = "info",
) -> None:
    """Answers requests with the predictions of a model, until SIGTERM or Ctrl-C.

    What was accepted before the signal is answered before the function returns.

    Args:
        model: a Functional or Sequential model.
        host: the address on which requests are accepted; "0.0.0.0" for all.
        port: the port.
        name: the name of the model in addresses; by default its own.
        options: limits and settings.
        shutdown_timeout: seconds within which accepted requests are answered after the signal.
        log_level: the least level of messages in the log, such as "warning".

    Raises:
        ValueError: the inputs of the model are unknown, or cannot be transferred.

    Note: requests are neither authenticated nor encrypted. Put a proxy that does both before a
    server that others can reach.
    """
    application = create_application(model, name, options)
    uvicorn.run(
        application,
        host=host,
        port=port,
        log_level=log_level,
        timeout_graceful_shutdown=shutdown_timeout,
        # A header of any size would be read before the application can refuse it.
        h11_max_incomplete_event_size=2**16,
    )
