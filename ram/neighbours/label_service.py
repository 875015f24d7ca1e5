"""A service that answers as Ollama, OpenAI and an ML backend of Label Studio do, so that programs can be pointed at it.

``ram serve`` starts it. It tags images that are sent to it and fetches none but those of Label Studio's own host.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ram.errors import RamError
from ram.neighbours.asked_pictures import Labeller
from ram.neighbours.label_studio import LabelStudioBackend, label_studio_routes
from ram.neighbours.ollama_api import ollama_routes
from ram.neighbours.openai_api import openai_routes
from ram.neighbours.requests import LOOPBACK, asking
from ram.neighbours.task_pictures import TaskPictures

_log = logging.getLogger(__name__)


def label_service(
    labeller: Labeller, pictures: TaskPictures | None = None, hosts: Sequence[str] = LOOPBACK
) -> Starlette:
    """The service as an ASGI application.

    Args:
        labeller: answers.
        pictures: opens the images of Label Studio's tasks; without, only those that a task holds itself.
        hosts: names by which it may be asked; ``["*"]`` for any.
    """
    ask, backend = asking(), LabelStudioBackend(labeller.tagger, pictures or TaskPictures())
    return Starlette(
        routes=[
            *ollama_routes(labeller, ask),
            *openai_routes(labeller, ask),
            *label_studio_routes(backend, ask),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={RamError: _refused, ValueError: _refused, Exception: _failed},
    )


def _refused(request: Request, error: Exception) -> Response:
    return _error(request, str(error), 400)


def _failed(request: Request, error: Exception) -> Response:
    _log.error("a request failed", exc_info=error)
    return _error(request, "the service failed: its log shows where", 500)


def _error(request: Request, sentence: str, status: int) -> Response:
    """An error in the form of the interface that was asked."""
    if request.url.path.startswith("/v1/"):
        kind = "invalid_request_error" if status == 400 else "server_error"
        body: object = {"message": sentence, "type": kind, "param": None, "code": None}
    else:
        body = sentence
    return JSONResponse({"error": body}, status_code=status)
