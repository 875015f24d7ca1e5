"""A view as a link and back: which photo, which categories, which model. What a link says is nobody's word."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from ram.descriptions import parse_categories

MOST_TEXT = 2_000
"""Characters of a value in a link that are looked at."""

GONE = "The photo of this link is no longer kept here: uploads go after an hour. Choose a photo to go on."
UNKNOWN_PHOTO = "This link names a photo that is not on this page: choose one below."
OTHER_MODEL = "This link was made with another model: the scores here may differ."

_UPLOAD = re.compile(r"[0-9a-f]{64}/[^/\\\x00]{1,255}")


@dataclass(frozen=True)
class View:
    """What a link can carry.

    Args:
        photo: file name of an example, or "".
        upload: of an uploaded photo the last two parts of its path where the host keeps it, or "".
        categories: as typed.
        describer: name of the one that describes them, or "" for the page's own choice.
        model: name of the model that tags, or "".
    """

    photo: str = ""
    upload: str = ""
    categories: str = ""
    describer: str = ""
    model: str = ""

    def query(self) -> str:
        """ "photo=dogs.jpg&categories=corgi%2C+kite"; nothing for what is empty."""
        return urlencode({name: value for name, value in vars(self).items() if value})


@dataclass(frozen=True)
class Host:
    """What a link may refer to on this page.

    Args:
        examples: file names.
        describers: names.
        model: name of the one that tags.
        uploads: folder where uploaded files are kept for a while.
    """

    examples: Collection[str]
    describers: Collection[str]
    model: str
    uploads: Path

    def view_of(self, path: Path | None, categories: str, describer: str) -> View:
        """The view to make a link of, given the photo's file: an example, an upload, or none."""
        view = View(categories=categories.strip()[:MOST_TEXT], describer=describer, model=self.model)
        if path is None:
            return view
        if self._kept(path):
            return replace(view, upload="/".join(path.parts[-2:]))
        return replace(view, photo=path.name) if path.name in self.examples else view

    def upload(self, view: View) -> Path | None:
        """The uploaded file that a view names, if it is still kept."""
        if not _UPLOAD.fullmatch(view.upload):
            return None
        path = self.uploads / view.upload
        return path if self._kept(path) and path.is_file() else None

    def _kept(self, path: Path) -> bool:
        inside = path.resolve()
        return inside.is_relative_to(self.uploads.resolve()) and bool(_UPLOAD.fullmatch("/".join(inside.parts[-2:])))


def read_link(query: Mapping[str, str], host: Host) -> tuple[View, list[str]]:
    """What can be shown of a link, and a sentence about each thing that cannot."""
    told = {name: str(query.get(name, ""))[:MOST_TEXT] for name in View.__dataclass_fields__}
    view, notices = View(), []
    if told["photo"] in host.examples and told["photo"]:
        view = replace(view, photo=told["photo"])
    elif told["photo"]:
        notices.append(UNKNOWN_PHOTO)
    if told["upload"] and host.upload(asked := View(upload=told["upload"])):
        view = replace(view, photo="", upload=asked.upload)
    elif told["upload"]:
        notices.append(GONE)
    if told["categories"]:
        try:
            view = replace(view, categories=", ".join(parse_categories(told["categories"])))
        except ValueError as error:
            notices.append(f"The categories of this link cannot be used: {str(error).rstrip('.')}.")
    if told["describer"] in host.describers:
        view = replace(view, describer=told["describer"])
    if told["model"] and told["model"] != host.model:
        notices.append(OTHER_MODEL)
    return replace(view, model=host.model), notices
