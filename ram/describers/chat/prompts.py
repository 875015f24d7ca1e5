"""Messages to the language model: the five prompts of RAM++, section 3.3, with the tag as quoted data.

The wording lies in ``prompts.json``; raise its version with every change, so that cached answers are asked for again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from ram.describers.wording import with_article
from ram.text.files import package_file, read_json


@dataclass(frozen=True)
class Prompts:
    """Wording of the messages.

    Args:
        version: part of the describer's fingerprint.
        prompts: asked side by side; ``{}`` stands for the quoted tag.
        instruction: system message.
        instruction_with_sense: added to it where a sense was chosen.
        sense: added to the prompt where a sense was chosen; ``{}`` stands for its quoted gloss.
        translation_instruction: system message of a request for an English name.
        translation: user message of it; ``{}`` stands for the quoted tag.
    """

    version: str
    prompts: tuple[str, ...]
    instruction: str
    instruction_with_sense: str
    sense: str
    translation_instruction: str
    translation: str

    def messages(self, prompt: str, tag: str, gloss: str) -> list[dict[str, str]]:
        """Chat messages that ask one of the prompts about a tag, in the sense of the gloss unless that is empty."""
        return [
            {"role": "system", "content": self.instruction + (self.instruction_with_sense if gloss else "")},
            {"role": "user", "content": prompt.format(_quote(tag)) + self.sense_clause(gloss)},
        ]

    def translation_messages(self, tag: str) -> list[dict[str, str]]:
        """Chat messages that ask for the English name of a tag."""
        return [
            {"role": "system", "content": self.translation_instruction},
            {"role": "user", "content": self.translation.format(json.dumps(tag, ensure_ascii=False))},
        ]

    def sense_clause(self, gloss: str) -> str:
        """Sentence that names the sense, with the gloss as quoted data; empty without a gloss."""
        return self.sense.format(json.dumps(gloss, ensure_ascii=False)) if gloss else ""


@cache
def load_prompts() -> Prompts:
    """Read ``prompts.json`` of the package."""
    document = read_json(package_file("describers/chat/prompts.json"))
    return Prompts(**{**document, "prompts": tuple(document["prompts"])})


def _quote(tag: str) -> str:
    """The tag in double quotes, its own quotes escaped, after the article it takes."""
    return with_article(tag).removesuffix(tag) + json.dumps(tag, ensure_ascii=False)
