"""Turn roles such as :class:`ram.tagger.Tagger` in docstrings into links of the API reference."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:py:)?(?:class|func|meth|mod|attr|data|exc):`~?([\w.]+)`")


class SphinxRoles(Extension):
    """Rewrite the docstring of every object that is loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(_link, obj.docstring.value)


def _link(role: re.Match[str]) -> str:
    """Link a full name where the reference has it; show a relative name as code."""
    name = role[1]
    if "." not in name:
        return f"`{name}`"
    return f'<autoref identifier="{name}" optional><code>{name}</code></autoref>'
