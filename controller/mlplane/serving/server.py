"""The kserve server around one model: which address, which routes, how errors are answered and logged.

kserve's own server binds every address, lets any client unload the model, and writes a traceback for every
bad request; this one does not. Called by ``__main__``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import fastapi
import kserve.model_server
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kserve.constants.constants import FASTAPI_APP_IMPORT_STRING
from kserve.errors import InferenceError, InvalidInput, ModelNotFound, ModelNotReady
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer

_GRACE_SECONDS = 30
"""How long requests may go on after SIGTERM."""
_STATUSES = {
    InvalidInput: 400,
    ModelNotFound: 404,
    InferenceError: 500,
    NotImplementedError: 501,
    ModelNotReady: 503,
}
"""Errors whose text is the answer; kserve would also write a traceback to the log."""


class _Rest(RESTServer):  # type: ignore[misc]  # kserve has no types
    """kserve's REST server with answers instead of tracebacks."""

    def create_application(self) -> None:
        """Set up kserve's application, then change what differs."""
        super().create_application()
        app = kserve.model_server.app
        for error, status in _STATUSES.items():
            app.add_exception_handler(error, _answer_with(status))
        app.add_exception_handler(RequestValidationError, _bad_body)


class _Fixed(ModelRepositoryExtension):  # type: ignore[misc]
    """The repository endpoints of a server whose one model no client may take away."""

    async def load(self, model_name: str) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(f"this server serves {model_name} or nothing; change its InferenceService")

    async def unload(self, model_name: str) -> NoReturn:
        """Refuse."""
        await self.load(model_name)


class _Decoding(DataPlane):  # type: ignore[misc]
    """kserve's data plane, for which a malformed binary request is the client's mistake."""

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        """Parse a request; see the base class."""
        try:
            return super().decode(*args, **kwargs)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(f"the request cannot be decoded: {type(error).__name__}: {error}") from error


def serve(model: Any, host: str, port: int) -> None:
    """Serve a loaded model until SIGTERM or SIGINT; requests that have begun are answered.

    Args:
        model: A kserve model that is ready.
        host: Address to bind.
        port: TCP port to bind.
    """
    server = kserve.model_server.ModelServer(
        http_port=port, enable_grpc=False, enable_latency_logging=False, grace_period=_GRACE_SECONDS
    )
    server.register_model(model)
    rest = _Rest(
        FASTAPI_APP_IMPORT_STRING,
        _Decoding(server.registered_models),
        _Fixed(server.registered_models),
        port,
        grace_period=_GRACE_SECONDS,
    )
    rest.config.host = host
    server.register_signal_handler()
    asyncio.run(rest.start())


def _answer_with(status: int) -> Callable[[fastapi.Request, Exception], Awaitable[JSONResponse]]:
    """A handler that answers with the text of an error."""

    async def answer(_: fastapi.Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=status)

    return answer


async def _bad_body(_: fastapi.Request, error: Exception) -> JSONResponse:
    """A body that is no Open Inference Protocol request, told field by field without its values."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    # The body may be JSON or bytes; what is wrong with it as bytes is no news to anyone.
    texts = [_problem(p) for p in problems if "bytes" not in p["loc"]]
    return JSONResponse(
        {"error": "the body is no inference request: " + "; ".join(texts[:5])}, status_code=400
    )


def _problem(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part not in ("body", "InferenceRequest"))
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
