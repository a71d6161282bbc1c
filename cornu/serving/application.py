"""The web application: routes of the Open Inference Protocol, health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cornu import tree
from cornu._version import __version__
from cornu.models import Model
from cornu.serving.batching import Arrays, Batcher
from cornu.serving.errors import RequestError
from cornu.serving.metrics import ServerMetrics
from cornu.serving.options import ServingOptions
from cornu.serving.requests import read_request
from cornu.serving.responses import write_response
from cornu.serving.signature import ModelSignature, signature_of

__all__ = ["create_application"]

_log = logging.getLogger("cornu.serving")
_JSON_SIZE = "Inference-Header-Content-Length"


def create_application(
    model: Model, name: str | None = None, options: ServingOptions | None = None
) -> Starlette:
    """Returns a web application (ASGI) that answers requests with the predictions of a model.

    Args:
        model: a Functional or Sequential model.
        name: the name of the model, as clients see it; by default its own.
        options: limits and settings.

    Raises:
        ValueError: the inputs of the model are unknown, or cannot be transferred.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)], name="line")
    >>> application = cornu.serving.create_application(model)
    >>> from starlette.testclient import TestClient
    >>> with TestClient(application) as client:
    ...     client.get("/v2/models/line").json()["inputs"][0]["shape"]
    [-1, 2]
    """
    server = _Server(model, name or model.name, options or ServingOptions())
    return Starlette(
        routes=server.routes(),
        lifespan=server.lifespan,
        exception_handlers={
            RequestError: _answer_request_error,
            HTTPException: _answer_http_error,
            Exception: _answer_failure,
        },
    )


class _Server:
    def __init__(self, model: Model, name: str, options: ServingOptions) -> None:
        self.name = name
        self.options = options
        self.signature: ModelSignature = signature_of(model)
        self._model = model
        self._ready = False
        self._reading = 0
        self.batcher: Batcher | None = None
        self.metrics = ServerMetrics(lambda: self.batcher.waiting if self.batcher else 0)

    def routes(self) -> list[Route]:
        model = "/v2/models/{name}"
        version = f"{model}/versions/{{version}}"
        return [
            Route("/v2", self.describe_server),
            Route("/v2/health/live", self.answer_live),
            Route("/v2/health/ready", self.answer_ready),
            Route("/metrics", self.answer_metrics),
            *(
                route
                for path in (model, version)
                for route in (
                    Route(path, self.describe_model),
                    Route(f"{path}/ready", self.answer_model_ready),
                    Route(f"{path}/infer", self.infer, methods=["POST"]),
                )
            ),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, application: Starlette) -> AsyncIterator[None]:
        """Compiles the model, serves, and ends when what was accepted has been answered."""
        options = self.options
        self.batcher = Batcher(
            self._compute,
            rowwise=self.signature.rowwise,
            max_rows=options.max_batch_size,
            max_waiting=options.max_requests,
            max_shapes=options.max_shapes,
            delay=options.max_delay,
            observe=self.metrics.observe_batch,
        )
        self.batcher.start()
        await self._warm_up(self.batcher)
        self._ready = True
        try:
            yield
        finally:
            self._ready = False
            await self.batcher.close()

    async def _warm_up(self, batcher: Batcher) -> None:
        """Compiles the model for all numbers of rows, if the other sizes are known."""
        specs = self.signature.inputs
        if any(None in spec.shape[1:] or spec.datatype == "BYTES" for spec in specs):
            return
        rows = 1
        while self.signature.rowwise and rows < self.options.max_batch_size:
            await batcher.infer(self._zeros(rows))
            rows *= 2
        await batcher.infer(self._zeros(min(rows, self.options.max_batch_size)))

    def _zeros(self, rows: int) -> Arrays:
        dtypes = [tensor.dtype for tensor in self._model.inputs]
        specs = zip(self.signature.inputs, dtypes, strict=True)
        return tuple(
            np.zeros((rows, *(size or 1 for size in spec.shape[1:])), dtype)
            for spec, dtype in specs
        )

    def _compute(self, arrays: Arrays) -> Sequence[np.ndarray]:
        names = [spec.name for spec in self.signature.inputs]
        inputs = dict(zip(names, arrays, strict=True))
        # `predict` refuses wrong values, such as numbers of words that an Embedding does not have.
        outputs = self._model.predict(inputs, batch_size=len(arrays[0]), verbose=0)
        found: list[np.ndarray] = tree.leaves(outputs)
        return found

    # ------------------------------------------------------------------------------------ routes

    async def describe_server(self, request: Request) -> Response:
        """The name, version and extensions of the server."""
        return JSONResponse(
            {"name": "cornu", "version": __version__, "extensions": ["binary_tensor_data"]}
        )

    async def answer_live(self, request: Request) -> Response:
        """Whether the process answers."""
        return JSONResponse({"live": True})

    async def answer_ready(self, request: Request) -> Response:
        """Whether the model is compiled and requests are accepted."""
        return JSONResponse({"ready": self._ready}, 200 if self._ready else 503)

    async def answer_metrics(self, request: Request) -> Response:
        """The metrics in the format of Prometheus."""
        return Response(self.metrics.write(), media_type=self.metrics.content_type)

    async def describe_model(self, request: Request) -> Response:
        """The names, data types and shapes of the inputs and outputs."""
        self._check_name(request)
        return JSONResponse(
            {
                "name": self.name,
                "versions": [self.options.version],
                "platform": "cornu",
                "inputs": [spec.describe() for spec in self.signature.inputs],
                "outputs": [spec.describe() for spec in self.signature.outputs],
            }
        )

    async def answer_model_ready(self, request: Request) -> Response:
        """Whether the model is compiled and requests are accepted."""
        self._check_name(request)
        ready = {"name": self.name, "ready": self._ready}
        return JSONResponse(ready, 200 if self._ready else 503)

    async def infer(self, request: Request) -> Response:
        """Answers a request with the outputs of the model."""
        began = time.perf_counter()
        try:
            response = await self._answer(request)
        except RequestError as error:
            response = await _answer_request_error(request, error)
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:
            _log.exception("A request failed.")
            response = JSONResponse({"error": "The model failed; see the log."}, 500)
        self.metrics.observe_request(response.status_code, time.perf_counter() - began)
        return response

    async def _answer(self, request: Request) -> Response:
        self._check_name(request)
        assert self.batcher is not None
        # Bodies of requests that are still read are in memory, too.
        if self._reading >= self.options.max_requests:
            raise RequestError(503, "The server has too many requests. Try again later.")
        self._reading += 1
        try:
            json_size = _json_size(request)
            body = await self._read_body(request, json_size)
            asked = read_request(body, json_size, self.signature, self.options.max_batch_size)
        finally:
            self._reading -= 1
        del body
        try:
            outputs = await self.batcher.infer(asked.arrays)
        except (TypeError, ValueError) as error:
            raise RequestError(400, f"The model refuses the inputs: {error}") from error
        made, size = write_response(self.name, self.options.version, asked, outputs, self.signature)
        if size is None:
            return Response(made, media_type="application/json")
        return Response(
            made, media_type="application/octet-stream", headers={_JSON_SIZE: str(size)}
        )

    def _check_name(self, request: Request) -> None:
        path: dict[str, Any] = request.path_params
        if path["name"] != self.name or path.get("version", "1") != self.options.version:
            raise RequestError(
                404,
                f"There is no such model. The server has {self.name!r}, version "
                f"{self.options.version!r}.",
            )

    async def _read_body(self, request: Request, json_size: int | None) -> bytes:
        options = self.options
        limit = options.max_body_bytes
        if json_size is None:
            limit = min(limit, options.max_json_bytes)
        elif json_size > options.max_json_bytes:
            raise RequestError(413, f"The JSON has more than {options.max_json_bytes:,} bytes.")
        try:
            async with asyncio.timeout(options.read_timeout):
                return await _read_limited(request, limit, json_size is None)
        except TimeoutError:
            raise RequestError(
                408, f"The request did not arrive within {options.read_timeout:g} s."
            ) from None


def _json_size(request: Request) -> int | None:
    text = request.headers.get(_JSON_SIZE)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise RequestError(400, f"{_JSON_SIZE} must be a number of bytes. Received: {text[:40]!r}")
    return int(text)


async def _read_limited(request: Request, limit: int, is_json: bool) -> bytes:
    remedy = "Send the arrays as binary data" if is_json else "Send fewer rows"
    too_large = RequestError(413, f"The request has more than {limit:,} bytes. {remedy}.")
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > limit:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise too_large
    return bytes(body)


async def _answer_request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    headers = {"Retry-After": "1"} if error.status == 503 else None
    return JSONResponse({"error": error.reason}, error.status, headers)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _answer_failure(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The server failed; see the log."}, 500)
