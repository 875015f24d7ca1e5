"""The part of OpenAI's interface that photo programs use: /v1/chat/completions and /v1/responses with an image."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ram.errors import InputError
from ram.neighbours.asked_pictures import Labeller, decoded
from ram.neighbours.requests import Ask, text_of

_CHAT = 'a part {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,..."}} of a message'
_RESPONSES = 'a part {"type": "input_image", "image_url": "data:image/jpeg;base64,..."} of the input'
_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def openai_routes(labeller: Labeller, ask: Ask) -> list[Route]:
    """Routes below /v1.

    Args:
        labeller: answers.
        ask: reads a request and answers in a thread; errors become ``{"error": {"message": sentence, ...}}``.
    """

    async def completions(request: Request) -> Response:
        body, text = await ask(request, lambda body: _completed(labeller, body))
        model = str(body.get("model") or labeller.tagger.name)
        return _streamed(model, text) if body.get("stream") else JSONResponse(_completion(model, text))

    async def responses(request: Request) -> Response:
        body, text = await ask(request, lambda body: _responded(labeller, body))
        return JSONResponse(_response(str(body.get("model") or labeller.tagger.name), text))

    async def models(_: Request) -> Response:
        one = {"id": labeller.tagger.name, "object": "model", "created": 0, "owned_by": "ram"}
        return JSONResponse({"object": "list", "data": [one]})

    return [
        Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/v1/responses", responses, methods=["POST"]),
        Route("/v1/models", models),
    ]


def _completed(labeller: Labeller, body: Mapping[str, Any]) -> str:
    messages = [one for one in body.get("messages") or () if isinstance(one, Mapping)]
    form = body.get("response_format")
    form = form if isinstance(form, Mapping) else {}
    schema = (form.get("json_schema") or {}).get("schema") if form.get("type") == "json_schema" else None
    return _answered(labeller, messages, _CHAT, schema or ("json" if form.get("type") == "json_object" else None))


def _responded(labeller: Labeller, body: Mapping[str, Any]) -> str:
    given = body.get("input")
    messages = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    form = body["text"].get("format") if isinstance(body.get("text"), Mapping) else None
    form = form if isinstance(form, Mapping) else {}
    schema = form.get("schema") if form.get("type") == "json_schema" else None
    asked = [*messages, {"content": text_of(body, "instructions")}]
    return _answered(labeller, asked, _RESPONSES, schema or ("json" if form.get("type") == "json_object" else None))


def _answered(labeller: Labeller, messages: list[Any], where: str, form: Any) -> str:
    if form is not None and not isinstance(form, (str, Mapping)):
        raise InputError("the schema of the answer is no JSON object")
    parts = [part for one in messages if isinstance(one.get("content"), list) for part in one["content"]]
    images = [part["image_url"] for part in parts if isinstance(part, Mapping) and part.get("image_url")]
    prompt = " ".join(text_of(one, "content") for one in messages)
    return labeller.answer(decoded([_address(one) for one in images[-1:]], where), prompt, form)


def _address(image: Any) -> Any:
    return image.get("url") if isinstance(image, Mapping) else image


def _completion(model: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        **_head("chat.completion", model),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _USAGE,
    }


def _streamed(model: str, text: str) -> Response:
    head = _head("chat.completion.chunk", model)
    said = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": "stop"}

    def events() -> Iterator[str]:
        for choice in (said, ended):
            yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _response(model: str, text: str) -> dict[str, Any]:
    content = {"type": "output_text", "text": text, "annotations": []}
    message = {
        "type": "message", "id": f"msg_{uuid.uuid4().hex}", "role": "assistant", "status": "completed",
        "content": [content],
    }  # fmt: skip
    return {
        "id": f"resp_{uuid.uuid4().hex}", "object": "response", "created_at": int(time.time()), "model": model,
        "status": "completed", "output": [message], "parallel_tool_calls": False, "tool_choice": "none", "tools": [],
    }  # fmt: skip


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}
