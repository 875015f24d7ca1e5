"""Addresses of the page of a library; each answers from :class:`demo.core.library_search.LibrarySearch`.

No address names a path: photos are named by their row. What changes something takes JSON by POST from the page itself,
so that no other site can do it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from demo.core.library_judging import LibraryJudging
from demo.core.library_search import LibrarySearch, Query
from demo.views.render import STATIC, render, script
from ram.errors import ImageError, RamError
from ram.text.vocabulary import KINDS

PAGE = "/library"
MOST_BYTES = 10_000
"""Bytes that the body of a request may have."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def library_routes(search: LibrarySearch, judging: LibraryJudging) -> list[Route]:
    """Routes of the page of a library."""

    def page(_: Request) -> Response:
        return HTMLResponse(
            render("library", "page", photos=len(search.library), folder=search.library.folder.name, kinds=KINDS),
            headers=_HEADERS,
        )

    def static(request: Request) -> Response:
        if request.path_params["kind"] == "js":
            return Response(script("library"), media_type="text/javascript", headers=_HEADERS)
        style = (STATIC / "library.css").read_text(encoding="utf-8")
        return Response(style, media_type="text/css", headers=_HEADERS)

    def find(request: Request) -> Any:
        return search.find(Query.of(request.query_params))

    def complete(request: Request) -> Any:
        return search.complete(request.query_params.get("text", "")[:100])

    def picture(request: Request) -> Response:
        try:
            content = search.picture(request.path_params["row"], request.path_params["size"])
        except ImageError as error:
            return JSONResponse({"error": str(error)}, 404, _HEADERS)
        if content is None:
            return JSONResponse({"error": "there is no such photo"}, 404, _HEADERS)
        return Response(content, media_type="image/jpeg", headers=_HEADERS | {"Cache-Control": "private, max-age=3600"})

    def take_home(request: Request) -> Response:
        path = judging.made(request.path_params["name"])
        if path is None:
            return JSONResponse({"error": "no tagger has been trained yet"}, 404, _HEADERS)
        return FileResponse(path, filename=path.name, headers=_HEADERS)

    return [
        Route(PAGE, page),
        Route(PAGE + "/library.{kind:str}", static),
        Route(PAGE + "/find", _answered(find)),
        Route(PAGE + "/complete", _answered(complete)),
        Route(PAGE + "/photos/{row:int}/{size:str}.jpg", picture),
        Route(PAGE + "/thumbs", _posted(judging.judge), methods=["POST"]),
        Route(PAGE + "/learn", _posted(judging.learn), methods=["POST"]),
        Route(PAGE + "/tagger", _posted(judging.train), methods=["POST"]),
        Route(PAGE + "/tagger/{name:str}", take_home),
    ]


def _answered(work: Callable[[Request], Any]) -> Callable[[Request], Response]:
    """Answer with JSON, or with one sentence where it cannot be done."""

    def answer(request: Request) -> Response:
        try:
            return JSONResponse(work(request), headers=_HEADERS)
        except RamError as error:
            return JSONResponse({"error": str(error)}, 400, _HEADERS)

    return answer


def _posted(work: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Any]:
    """Answer a POST of a JSON object that comes from the page itself; one sentence where it cannot be done or saved."""

    async def answer(request: Request) -> Response:
        own = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        if not own or not request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"error": "this is only for the page itself"}, 403, _HEADERS)
        body = await request.body()
        try:
            values = json.loads(body) if len(body) <= MOST_BYTES else None
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return JSONResponse({"error": "the request is no JSON object of at most 10 KB"}, 400, _HEADERS)
        try:
            return JSONResponse(await run_in_threadpool(work, values), headers=_HEADERS)
        except RamError as error:
            return JSONResponse({"error": str(error)}, 400, _HEADERS)
        except OSError as error:  # the disk is full or read-only, for instance
            return JSONResponse({"error": f"that cannot be saved: {_fault(error)}"}, 507, _HEADERS)

    return answer


def _fault(error: OSError) -> str:
    """The reason of an error, after the name of its file without the folder."""
    name = f"{Path(error.filename).name}: " if isinstance(error.filename, (str, Path)) else ""
    return name + (error.strerror or str(error))
