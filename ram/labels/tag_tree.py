"""The place of a tag in a hierarchy: its kind, then what it is a kind of, from the general to the particular."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property

from ram.labels.hypernyms import Hypernyms, load_kinds
from ram.text.files import package_file
from ram.text.names import matching_key


class TagTree:
    """Kinds of tags, and one path to each.

    A tag may have several hypernyms; its path takes the first of each, which the tables name the nearest one.

    Args:
        kinds: kind of each tag.
        hypernyms: what each tag implies.
    """

    def __init__(self, kinds: Mapping[str, str], hypernyms: Hypernyms) -> None:
        self.kinds = kinds
        self._hypernyms = hypernyms

    @cached_property
    def _names(self) -> dict[str, str]:
        return {matching_key(tag): tag for tag in reversed(list(self.kinds))}

    def kind(self, tag: str) -> str:
        """Kind of a tag, in whichever case; "" where it is not known."""
        return self.kinds.get(self._names.get(matching_key(tag), ""), "")

    def above(self, tag: str) -> tuple[str, ...]:
        """The kind and the hypernyms of a tag, the most general first: ("object", "animal", "dog") for "corgi".

        Empty for a tag that is not known.
        """
        name = self._names.get(matching_key(tag))
        if name is None or not self.kinds[name]:
            return ()
        steps = [name]
        while direct := self._hypernyms.direct.get(steps[-1]):
            steps.append(direct[0])
        return (self.kinds[name], *reversed(steps[1:]))

    def below(self, tag: str) -> frozenset[str]:
        """Tags that are a kind of this one, at any distance."""
        name = self._names.get(matching_key(tag), tag)
        return frozenset(one for one in self._hypernyms if name in self._hypernyms[one])


@cache
def shipped_tree() -> TagTree:
    """The tree of the everyday label system and of the official tags."""
    kinds: dict[str, str] = {}
    direct: dict[str, tuple[str, ...]] = {}
    for table in ("official", "everyday"):
        own, hypernyms = load_kinds(package_file(f"labels/{table}/kinds.csv"))
        kinds |= own
        direct |= hypernyms.direct
    return TagTree(kinds, Hypernyms(direct))
