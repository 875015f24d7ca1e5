"""The view of the page as code: Python, curl and the command line, ready to run."""

from __future__ import annotations

import json
import shlex
from pathlib import PurePath

from demo.core.links import View
from ram.export.formats import AT_LEAST

ADDRESS = "PAGE-ADDRESS"
"""Stands where the browser puts the page's own address."""
NO_PHOTO = "photo.jpg"
COMMAND_LINE = "Command line"

_PYTHON = """from gradio_client import Client, handle_file

page = Client({address})
photo = handle_file({photo})
print(page.predict(photo, api_name="/tag"))
"""
_PYTHON_SCORE = "print(page.predict(photo, {categories}, {describer}, api_name={endpoint}))\n"
_CURL = """page={address}
photo=$(curl -sS -F {upload} "$page/gradio_api/upload" | cut -d '"' -f 2)
"""
_CURL_CALL = """event=$(curl -sS "$page/gradio_api/call/{endpoint}" -H 'Content-Type: application/json' \\
  -d '{{"data": [{{"path": "'"$photo"'", "meta": {{"_type": "gradio.FileData"}}}}{values}]}}' | cut -d '"' -f 4)
curl -sSN "$page/gradio_api/call/{endpoint}/$event"
"""


def snippets(view: View, models: int = 1) -> dict[str, str]:
    """Code by the name of its language; :data:`ADDRESS` stands for the address of the page.

    Args:
        view: of the page, whose photo is named as a file in the working folder.
        models: how many models the page compares.
    """
    photo = view.photo or (PurePath(view.upload).name if view.upload else NO_PHOTO)
    describer = view.describer.partition(":")[0]
    endpoint = "compare" if models > 1 else "score"
    return {
        "Python": _python(photo, view.categories, describer, endpoint),
        "curl": _curl(photo, view.categories, describer, endpoint),
        COMMAND_LINE: _command(photo, view),
    }


def _python(photo: str, categories: str, describer: str, endpoint: str) -> str:
    values = {"address": ADDRESS, "photo": photo, "categories": categories, "describer": describer}
    quoted = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    code = _PYTHON.format(**quoted)
    return code + (_PYTHON_SCORE.format(**quoted, endpoint=f'"/{endpoint}"') if categories else "")


def _curl(photo: str, categories: str, describer: str, endpoint: str) -> str:
    named = photo.replace("\\", "\\\\").replace('"', '\\"')
    code = _CURL.format(address=shlex.quote(ADDRESS), upload=shlex.quote(f'files=@"{named}"'))
    code += _CURL_CALL.format(endpoint="tag", values=f", {AT_LEAST}")
    if categories:
        values = "".join(f", {json.dumps(value)}" for value in (categories, describer)).replace("'", "\\u0027")
        code += _CURL_CALL.format(endpoint=endpoint, values=values)
    return code


def _command(photo: str, view: View) -> str:
    file = f"./{photo}" if photo.startswith("-") else photo
    parts = ["ram", "tag", file, "--model", view.model]
    if view.categories:
        name, _, model = view.describer.partition(":")
        parts += ["--tags", view.categories, "--describer", name] + (["--openai-model", model] if model else [])
    return shlex.join([*parts, "--json"]) + "\n"
