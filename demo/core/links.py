"""Make a link to a view of the page and read one, which is untrusted input."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from demo.core.texts import say, sentence
from ram.errors import InputError
from ram.text.names import parse_categories

MAX_TEXT = 2_000
"""Characters of a value in a link that are read."""


_UPLOAD = re.compile(r"[0-9a-f]{64}/[^/\\\x00]{1,255}")


@dataclass(frozen=True)
class View:
    """The view of the page that a link carries.

    Args:
        photo: file name of an example, or "".
        upload: last two parts of the path of an uploaded photo, or "".
        categories: as typed.
        meanings: chosen meanings, such as "kite:hawk;crane:bird"; no category contains ":" or ";".
        tag: the selected one, or "".
        describer: its name, or "" for the page's default.
        model: name of the model that tags, or "".
    """

    photo: str = ""
    upload: str = ""
    categories: str = ""
    meanings: str = ""
    tag: str = ""
    describer: str = ""
    model: str = ""

    def chosen_meanings(self) -> dict[str, str]:
        """Label of the chosen meaning by category."""
        return {tag: label for tag, mark, label in (one.partition(":") for one in self.meanings.split(";")) if mark}

    def query(self) -> str:
        """ "photo=dogs.jpg&categories=corgi%2C+kite", without empty values."""
        return urlencode({name: value for name, value in vars(self).items() if value})


@dataclass(frozen=True)
class Host:
    """The names that a link may refer to on this page.

    Args:
        examples: file names of the example photos.
        describers: their names.
        model: name of the model that tags.
        tags: of that model.
        uploads: folder of uploaded files.
    """

    examples: Collection[str]
    describers: Collection[str]
    model: str
    tags: Collection[str]
    uploads: Path

    def view_of(
        self,
        path: Path | None,
        categories: str,
        describer: str,
        tag: str = "",
        chosen_meanings: Mapping[str, str] | None = None,
    ) -> View:
        """The view to make a link to.

        Args:
            path: file of the photo, an example or an upload; None without a photo.
            categories: as typed.
            describer: its name.
            tag: the selected one.
            chosen_meanings: label of the chosen meaning by category.
        """
        meanings = ";".join(f"{tag}:{label}" for tag, label in (chosen_meanings or {}).items())
        view = View("", "", categories.strip()[:MAX_TEXT], meanings, tag, describer, self.model)
        if path is None:
            return view
        if self._is_upload(path):
            return replace(view, upload="/".join(path.parts[-2:]))
        return replace(view, photo=path.name) if path.name in self.examples else view

    def upload(self, view: View) -> Path | None:
        """The uploaded file that a view names, or None if it is gone."""
        if not _UPLOAD.fullmatch(view.upload):
            return None
        path = self.uploads / view.upload
        return path if self._is_upload(path) and path.is_file() else None

    def _is_upload(self, path: Path) -> bool:
        resolved = path.resolve()
        inside = resolved.is_relative_to(self.uploads.resolve())
        return inside and bool(_UPLOAD.fullmatch("/".join(resolved.parts[-2:])))


def read_link(query: Mapping[str, str], host: Host) -> tuple[View, list[str]]:
    """The part of a link that can be shown, and a sentence about each value that cannot."""
    values = {name: str(query.get(name, ""))[:MAX_TEXT] for name in View.__dataclass_fields__}
    view = View()
    notices: list[str] = []
    names: tuple[str, ...] = ()
    if values["photo"] in host.examples and values["photo"]:
        view = replace(view, photo=values["photo"])
    elif values["photo"]:
        notices.append(say("link_unknown_photo"))
    if values["upload"] and host.upload(named := View(upload=values["upload"])):
        view = replace(view, photo="", upload=named.upload)
    elif values["upload"]:
        notices.append(say("link_gone"))
    if values["categories"]:
        try:
            names = parse_categories(values["categories"])
            view = replace(view, categories=", ".join(names))
        except InputError as error:
            notices.append(say("link_bad_categories", error=sentence(str(error))))
    chosen = View(meanings=values["meanings"]).chosen_meanings().items()
    view = replace(view, meanings=";".join(f"{tag}:{label}" for tag, label in chosen if tag in names))
    if values["tag"] in host.tags or values["tag"] in names:
        view = replace(view, tag=values["tag"])
    elif values["tag"]:
        notices.append(say("link_unknown_tag"))
    if values["describer"] in host.describers:
        view = replace(view, describer=values["describer"])
    if values["model"] and values["model"] != host.model:
        notices.append(say("link_other_model"))
    return replace(view, model=host.model), notices
