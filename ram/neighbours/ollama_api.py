"""The part of Ollama's interface that photo programs use: an image goes in, tags come back as the model's text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ram import __version__
from ram.neighbours.asked_pictures import Labeller, decoded
from ram.neighbours.requests import Ask, text_of

_GENERATE = 'the only item of the list "images" of /api/generate'
_CHAT = 'the only item of the list "images" of a message'
_COUNTS = ("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count",
           "eval_duration")  # fmt: skip


def ollama_routes(labeller: Labeller, ask: Ask) -> list[Route]:
    """Routes below /api.

    Args:
        labeller: answers.
        ask: reads a request and answers in a thread; errors become ``{"error": sentence}``.
    """
    name = labeller.tagger.name

    async def generate(request: Request) -> Response:
        body, text = await ask(request, lambda body: _generated(labeller, body))
        return _reply(body, name, {"response": text}, {"response": ""})

    async def chat(request: Request) -> Response:
        body, text = await ask(request, lambda body: _chatted(labeller, body))
        return _reply(body, name, {"message": _message(text)}, {"message": _message("")})

    async def tags(_: Request) -> Response:
        return JSONResponse({"models": [{"name": name, "model": name, "modified_at": _now(), "details": _DETAILS}]})

    async def show(_: Request) -> Response:
        return JSONResponse({"details": _DETAILS, "model_info": {}, "capabilities": ["completion", "vision"]})

    async def version(_: Request) -> Response:
        return JSONResponse({"version": __version__})

    async def running(_: Request) -> Response:
        return PlainTextResponse("Ollama is running")  # programs ask for this sentence

    return [
        Route("/", running),
        Route("/api/generate", generate, methods=["POST"]),
        Route("/api/chat", chat, methods=["POST"]),
        Route("/api/tags", tags),
        Route("/api/show", show, methods=["POST"]),
        Route("/api/version", version),
    ]


_DETAILS = {"family": "ram", "families": ["ram"], "format": "safetensors"}


def _generated(labeller: Labeller, body: Mapping[str, Any]) -> str:
    prompt = f"{text_of(body, 'system')} {text_of(body, 'prompt')}"
    return labeller.answer(decoded(body.get("images"), _GENERATE), prompt, body.get("format") or None)


def _chatted(labeller: Labeller, body: Mapping[str, Any]) -> str:
    messages = [one for one in body.get("messages") or () if isinstance(one, Mapping)]
    images = next((one["images"] for one in reversed(messages) if one.get("images")), None)
    prompt = " ".join(text_of(one, "content") for one in messages)
    return labeller.answer(decoded(images, _CHAT), prompt, body.get("format") or None)


def _reply(body: Mapping[str, Any], name: str, said: dict[str, Any], nothing: dict[str, Any]) -> Response:
    """One document, or lines of JSON, which is the default of Ollama."""
    model = str(body.get("model") or name)
    head = {"model": model, "created_at": _now()}
    ended: dict[str, Any] = {"done": True, "done_reason": "stop", **dict.fromkeys(_COUNTS, 0)}
    if body.get("stream", True) is False:
        return JSONResponse({**head, **said, **ended})

    def lines() -> Iterator[str]:
        yield json.dumps({**head, **said, "done": False}) + "\n"
        yield json.dumps({**head, **nothing, **ended}) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _message(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
