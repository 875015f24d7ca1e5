"""A view as a link and back: photo, categories and their meanings, tag, model. What a link says is nobody's word."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from ram.text.names import parse_categories

MOST_TEXT = 2_000
"""Characters of a value in a link that are looked at."""

GONE = "The photo of this link is no longer kept here: uploads go after an hour. Choose a photo to go on."
UNKNOWN_PHOTO = "This link names a photo that is not on this page: choose one below."
UNKNOWN_TAG = "The tag that this link selects is not known to the model on this page."
OTHER_MODEL = "This link was made with another model: the scores here may differ."

_UPLOAD = re.compile(r"[0-9a-f]{64}/[^/\\\x00]{1,255}")


@dataclass(frozen=True)
class View:
    """What a link can carry.

    Args:
        photo: file name of an example, or "".
        upload: of an uploaded photo the last two parts of its path where the host keeps it, or "".
        categories: as typed.
        meanings: which meaning was chosen for some of them: "kite:hawk;crane:bird". No category has these marks.
        tag: the one that is selected, or "".
        describer: name of the one that describes them, or "" for the page's own choice.
        model: name of the model that tags, or "".
    """

    photo: str = ""
    upload: str = ""
    categories: str = ""
    meanings: str = ""
    tag: str = ""
    describer: str = ""
    model: str = ""

    def meant(self) -> dict[str, str]:
        """By category, the label of the meaning that was chosen for it."""
        return {tag: label for tag, mark, label in (one.partition(":") for one in self.meanings.split(";")) if mark}

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
        tags: those that it knows.
        uploads: folder where uploaded files are kept for a while.
    """

    examples: Collection[str]
    describers: Collection[str]
    model: str
    tags: Collection[str]
    uploads: Path

    def view_of(
        self, path: Path | None, categories: str, describer: str, tag: str = "", meant: Mapping[str, str] | None = None
    ) -> View:
        """The view to make a link of.

        Args:
            path: the photo's file: an example, an upload, or none.
            categories: as typed.
            describer: name of the one that describes them.
            tag: the one that is selected.
            meant: by category, the label of the meaning that was chosen for it.
        """
        meanings = ";".join(f"{tag}:{label}" for tag, label in (meant or {}).items())
        view = View("", "", categories.strip()[:MOST_TEXT], meanings, tag, describer, self.model)
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
    names: tuple[str, ...] = ()
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
            names = parse_categories(told["categories"])
            view = replace(view, categories=", ".join(names))
        except ValueError as error:
            notices.append(f"The categories of this link cannot be used: {str(error).rstrip('.')}.")
    chosen = View(meanings=told["meanings"]).meant().items()
    view = replace(view, meanings=";".join(f"{tag}:{label}" for tag, label in chosen if tag in names))
    if told["tag"] in host.tags or told["tag"] in names:
        view = replace(view, tag=told["tag"])
    elif told["tag"]:
        notices.append(UNKNOWN_TAG)
    if told["describer"] in host.describers:
        view = replace(view, describer=told["describer"])
    if told["model"] and told["model"] != host.model:
        notices.append(OTHER_MODEL)
    return replace(view, model=host.model), notices
