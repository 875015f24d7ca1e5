"""Add tags to an XMP document and take them away again; all other bytes stay as they are.

What we add is named by a mark, properties of our own namespace beside it:

    ram:model                             the model that tagged
    ram:subject, ram:hierarchicalSubject  the tags that we added to dc:subject and lr:hierarchicalSubject
    ram:keywords                          those that we added to the IPTC keywords of a photo
    ram:made                              the properties that were not there before
    ram:opened                            lists that were empty-element tags, such as <rdf:Bag/>

The mark and new properties are one rdf:Description of our own. Another program may merge it with others: tags are then
removed one by one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from ram.errors import InputError
from ram.library.xmp import DC, HIERARCHICAL, LIGHTROOM, OURS, RDF, SUBJECT, Element, XmpDocument

PROPERTIES = {SUBJECT: "dc:subject", HIERARCHICAL: "lr:hierarchicalSubject"}
EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="ram">\n'
    b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n  </rdf:RDF>\n'
    b'</x:xmpmeta>\n'
    b'<?xpacket end="w"?>\n'
)  # fmt: skip
"""A new document, without any tag."""
_MARKS = ("model", "subject", "hierarchicalSubject", "keywords", "made")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Tags:
    """Tags of one photo.

    Args:
        model: that found them.
        names: the tags.
        paths: each from the general to the particular, joined by "|": "object|animal|dog".
        keywords: those that IPTC keywords of the photo get.
        made: what else of the photo is made for them.
    """

    model: str
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    def of(self, name: str) -> tuple[str, ...]:
        """The values of a property."""
        return self.names if name == SUBJECT else self.paths


def add_tags(document: XmpDocument, tags: Tags, name: str) -> bytes:
    """The bytes of a document with tags added, in place of those that we added before.

    A tag that is there already, in upper or lower case, is not added and not ours.

    Raises:
        InputError: a property of tags is not a list, so that none can be added.
    """
    document = _without(document, name)
    edits: list[_Edit] = []
    mark = {"model": [tags.model], "keywords": list(tags.keywords), "made": list(tags.made), "opened": []}
    if document.rdf.is_empty_tag:
        mark["opened"].append("rdf:RDF")
    made = ""
    for uri, short in PROPERTIES.items():
        present = {tag_key(value) for value in document.values(uri)}
        added = [value for value in dict.fromkeys(tags.of(uri)) if tag_key(value) not in present]
        mark[short.partition(":")[2]] = added
        if not added:
            continue
        if document.has(uri):
            container = _list_of(document, uri, name)
            prefix = container.qualified.removesuffix(container.name.rpartition(" ")[2])
            items = "".join(f"<{prefix}li>{_clean(value)}</{prefix}li>" for value in added)
            edits.append(_append(container, items))
            if container.is_empty_tag:
                mark["opened"].append(short)
        else:
            mark["made"].append(short)
            made += f"   <{short}>{_bag(added)}</{short}>\n"
    marks = "".join(f"   <ram:{key}>{_bag(values)}</ram:{key}>\n" for key, values in mark.items() if values)
    edits.append(_append(document.rdf, _description(document, made + marks)))
    return document.changed(_edited(document.data, edits))


def remove_tags(document: XmpDocument, name: str) -> bytes:
    """The bytes of a document without what we added: as it was before, where no other program has changed it since."""
    return document.changed(_without(document, name).data)


def added_by_us(document: XmpDocument) -> Tags | None:
    """The tags that this program added; None for a document without its mark."""
    model, *added = (tuple(document.values(f"{OURS} {key}")) for key in _MARKS)
    return Tags(model[0], *added) if model else None


class _Edit(NamedTuple):
    """Bytes to put in the place of others."""

    start: int
    end: int
    text: bytes = b""


def _edited(data: bytes, edits: Iterable[_Edit]) -> bytes:
    """All edits at once; one within another is left out."""
    parts, done = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start >= done:
            parts += [data[done : edit.start], edit.text]
            done = edit.end
    return b"".join([*parts, data[done:]])


def _without(document: XmpDocument, name: str) -> XmpDocument:
    """The document without what we added."""
    ours = added_by_us(document)
    if ours is None:
        return document
    opened = document.values(f"{OURS} opened")
    edits: list[_Edit] = []
    emptied: list[Element] = []
    for uri, short in PROPERTIES.items():
        for element in document.properties(uri):
            items, gone = ([] if element.container is None else element.container.items), []
            wanted = list(ours.of(uri))
            for item in items:
                if item.text.strip() in wanted and not item.children and not item.others:
                    wanted.remove(item.text.strip())
                    gone.append(_Edit(item.start, item.end))
            if short in ours.made and len(gone) == len(items):
                edits.append(_Edit(element.start, element.end))
                emptied.append(element)
            elif short in opened and len(gone) == len(items) and element.container:
                edits.append(_closed(element.container))
            else:
                edits += gone
    whole = []
    for description in document.rdf.children:
        marks = [child for child in description.children if child.name.startswith(f"{OURS} ")]
        left = [one for one in description.children if one not in marks and one not in emptied]
        if marks and not (left or description.others or set(description.attributes) - {f"{RDF} about", "about"}):
            whole.append(description)
        edits += [_Edit(mark.start, mark.end) for mark in marks]
    if "rdf:RDF" in opened and whole == document.rdf.children and not document.rdf.others:
        edits.append(_closed(document.rdf))
    edits += [_Edit(description.start, description.end) for description in whole]
    return XmpDocument.parse(document.changed(_edited(document.data, edits)), name)


def _list_of(document: XmpDocument, uri: str, name: str) -> Element:
    """The one list that a property is."""
    lists = [element.container for element in document.properties(uri)]
    if len(lists) != 1 or lists[0] is None or any(uri in one.attributes for one in document.rdf.children):
        raise InputError(
            f"{PROPERTIES[uri]} of {name} is not one list of tags, as in XMP: nothing is added, so that none is lost"
        )
    return lists[0]


def _append(element: Element, text: str) -> _Edit:
    """Add text after all that an element holds."""
    content = text.encode()
    if not element.is_empty_tag:
        return _Edit(element.close, element.close, content)
    return _Edit(element.inside - 2, element.inside, b">" + content + f"</{element.qualified}>".encode())


def _closed(element: Element) -> _Edit:
    """Make an element that holds nothing an empty-element tag again."""
    return _Edit(element.inside - 1, element.end, b"/>")


def _description(document: XmpDocument, content: str) -> str:
    abouts = [one.attributes.get(f"{RDF} about", one.attributes.get("about", "")) for one in document.rdf.children]
    about = quoteattr(next(iter(abouts), ""))
    return (
        f'<rdf:Description rdf:about={about} xmlns:rdf="{RDF}" xmlns:ram="{OURS}" xmlns:dc="{DC}"'
        f' xmlns:lr="{LIGHTROOM}">\n{content}  </rdf:Description>'
    )


def _bag(values: Iterable[str]) -> str:
    return f"<rdf:Bag>{''.join(f'<rdf:li>{_clean(value)}</rdf:li>' for value in values)}</rdf:Bag>"


def _clean(value: str) -> str:
    return escape(_UNPRINTABLE.sub("?", value))


def tag_key(value: str) -> str:
    """Key for comparing tags without regard to case: NFC-normalised and case-folded."""
    return unicodedata.normalize("NFC", value).casefold()
