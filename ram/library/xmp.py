"""Read an XMP document with the byte position of every element that holds tags.

Parsed by expat, which tells where in the bytes it is: what is not changed is never written anew. Document types are
refused, so there are no entities to expand; the size is limited.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from ram.errors import InputError

LIMIT = 16 * 2**20
"""Bytes of the largest document that is read."""
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
OURS = "urn:ram:tags/1.0/"
"""Namespace of the mark that names what we added."""
SUBJECT, HIERARCHICAL = f"{DC} subject", f"{LIGHTROOM} hierarchicalSubject"
"""Properties that hold tags: by name, and as a path from the general to the particular."""
CONTAINERS = tuple(f"{RDF} {name}" for name in ("Bag", "Seq", "Alt"))

_ENCODINGS = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")
_DECLARED = re.compile(rb"\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_START_TAG = re.compile(rb"<[^\s/>]+(?:[^>\"']+|\"[^\"]*\"|'[^']*')*>")


@dataclass(eq=False)
class Element:
    """An element and where it is; positions are bytes of the document in UTF-8.

    Args:
        name: "namespace local".
        qualified: "prefix:local", as it is written.
        attributes: values by "namespace local".
        start, inside, close, end: of its start tag, after it, of its end tag, after it. An empty-element tag ends where
            its inside is.
        text: all text within.
        children: those on the way to tags.
        others: how many further children it has.
    """

    name: str
    qualified: str
    attributes: dict[str, str]
    start: int
    inside: int
    close: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)
    others: int = 0

    @property
    def is_empty_tag(self) -> bool:
        """Whether it is written ``<name/>``."""
        return self.end == self.inside

    @property
    def container(self) -> Element | None:
        """The list that this property holds."""
        lists = [child for child in self.children if child.name in CONTAINERS]
        return lists[0] if len(lists) == 1 and len(self.children) == 1 and not self.others else None

    @property
    def items(self) -> list[Element]:
        """The items of this list."""
        return [child for child in self.children if child.name == f"{RDF} li"]


@dataclass(frozen=True, eq=False)
class XmpDocument:
    """An XMP document.

    Args:
        data: its bytes, in UTF-8.
        encoding: that it is written in.
        rdf: the element with all descriptions.
    """

    data: bytes
    encoding: str
    rdf: Element

    @classmethod
    def parse(cls, content: bytes, name: str) -> XmpDocument:
        """Read a document.

        Args:
            content: of a file or a packet.
            name: for messages.

        Raises:
            InputError: too large, no XML, no XMP, with a document type, or in an encoding that XMP does not have.
        """
        if len(content) > LIMIT:
            raise InputError(f"{name} has more than {LIMIT >> 20} MB, too much for tags: it is left as it is")
        data, encoding = _utf8(content, name)
        return cls(data, encoding, _Builder(data).rdf(name))

    def changed(self, data: bytes) -> bytes:
        """Other bytes, in UTF-8, in the encoding of this document."""
        if self.encoding == "utf-8":
            return data
        return data.decode().encode(self.encoding, "xmlcharrefreplace")

    def properties(self, name: str) -> Iterator[Element]:
        """Each element of a property."""
        for description in self.rdf.children:
            yield from (child for child in description.children if child.name == name)

    def has(self, name: str) -> bool:
        """Whether there is such a property, as an element or an attribute."""
        return any(name in one.attributes for one in self.rdf.children) or any(True for _ in self.properties(name))

    def values(self, name: str) -> list[str]:
        """Items of a property, in whichever way it is written."""
        found = []
        for description in self.rdf.children:
            if value := description.attributes.get(name, "").strip():
                found.append(value)
        for element in self.properties(name):
            items = [element] if element.container is None else element.container.items
            found += [item.text.strip() for item in items]
        return [value for value in found if value]


def _utf8(content: bytes, name: str) -> tuple[bytes, str]:
    """A document in UTF-8, with the encoding that it had."""
    declared = _DECLARED.match(content.removeprefix(codecs.BOM_UTF8))
    encoding = declared[1].decode().lower() if declared else "utf-8"
    for mark, marked in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if content.startswith(mark):
            encoding = marked
    if encoding == "utf-8":
        return content, encoding
    if encoding.removesuffix("-le").removesuffix("-be") not in _ENCODINGS:
        raise InputError(f"{name} is in the encoding {encoding}, which XMP does not have: save it as UTF-8")
    try:
        return content.decode(encoding).encode(), encoding
    except UnicodeError:
        raise InputError(f"{name} is no XMP: it is not in the encoding {encoding} that it names") from None


class _Builder:
    """Builds the elements on the way to tags; of all others only their number is kept."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._open: list[Element] = []
        self._rdf: Element | None = None
        self._parser = parser = expat.ParserCreate("utf-8", "\n")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse

    def rdf(self, name: str) -> Element:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise InputError(f"{name} is no XMP, it is not XML: {error}") from None
        except _DocumentType:
            raise InputError(f"{name} has a document type, which XMP never has: it is not read") from None
        if self._rdf is None:
            raise InputError(f"{name} is XML but no XMP: it has no rdf:RDF")
        return self._rdf

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        tag = _START_TAG.match(self._data, start)
        assert tag, "expat has read it"
        full, *prefix = _parts(name)
        qualified = ":".join([*prefix, full.rpartition(" ")[2]])
        values = {_parts(key)[0]: value for key, value in attributes.items()}
        element = Element(full, qualified, values, start, tag.end())
        if element.name == f"{RDF} RDF" and self._rdf is None:
            self._rdf = element
        self._attach(element)
        self._open.append(element)

    def _attach(self, element: Element) -> None:
        if self._rdf not in self._open[-4:]:
            return
        parent, depth = self._open[-1], len(self._open) - self._open.index(self._rdf)
        holds_tags = element.name in (SUBJECT, HIERARCHICAL) or element.name.startswith(f"{OURS} ")
        wanted = (depth == 1 and element.name == f"{RDF} Description", depth == 2 and holds_tags)
        if any(wanted) or depth > 2 and (depth < 5 and parent in self._open[-2].children):
            parent.children.append(element)
        else:
            parent.others += 1

    def _end(self, name: str) -> None:
        element, index = self._open.pop(), self._parser.CurrentByteIndex
        if self._data[element.inside - 2 : element.inside] == b"/>":
            element.close = element.end = element.inside
        else:
            element.close, element.end = index, self._data.index(b">", index) + 1

    def _text(self, text: str) -> None:
        for element in self._open[-3:]:  # an item may be a structure with a value
            element.text += text

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _DocumentType


class _DocumentType(Exception):
    pass


def _parts(name: str) -> list[str]:
    """ "namespace local" and the prefix, where it has one, of a name of expat."""
    *namespace, local = (parts := name.split("\n"))[:2]
    return [" ".join([*namespace, local]), *parts[2:]]
