"""Descriptions by a language model behind any OpenAI-compatible chat endpoint (RAM++, section 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import anyio
from anyio.from_thread import BlockingPortalProvider

from ram.describers.base import Describer
from ram.describers.chat.endpoint import OPENAI_URL, ChatEndpoint
from ram.describers.chat.prompts import load_prompts
from ram.describers.usage import Meter, Usage, UsageCounter
from ram.describers.wording import plain_prompt
from ram.errors import DescriberError, InputError, MissingKeyError
from ram.text.cleaning import clean_sentence
from ram.text.names import normalize_category, spaced, unreadable_words

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_MODEL = "gpt-4o-mini"
"""Differs from the paper, which asked gpt-3.5-turbo."""

MAX_REQUESTS = 5
"""Requests under way at the same time, for all threads together."""
MAX_TOKENS = 77
MAX_FRUITLESS_CALLS = 2
"""Consecutive calls without a new answer before a prompt is given up; for servers that ignore ``n``."""

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class ChatDescriber(Describer):
    """Ask a chat endpoint the paper's five prompts, for ten answers each.

    Copies made by :meth:`with_sense` and :meth:`with_meter` share the limit on concurrent requests.

    Args:
        api_key: sent to the endpoint, never shown.
        model: the endpoint's name of the language model.
        base_url: URL including the version, such as "http://127.0.0.1:8000/v1".
        temperature: 0.99 in the paper, so that answers differ.
        answers: answers per prompt.
        timeout: seconds to wait for one reply.
        retries: how often a request is repeated, after a growing pause, when the server is busy (408, 409, 429), fails
            (5xx) or cannot be reached.
        gloss: the sense in which the tag is meant; empty for any.
        meter: asked before every request, told its usage afterwards.

    Raises:
        InputError: the base URL is not a URL, or the key has characters that no key has.
        ValueError: answers, timeout or retries are too small.
    """

    api_key: str = field(repr=False)
    model: str = DEFAULT_MODEL
    base_url: str = OPENAI_URL
    temperature: float = 0.99
    answers: int = 10
    timeout: float = 30.0
    retries: int = 2
    gloss: str = ""
    meter: Meter = field(default_factory=UsageCounter, repr=False, compare=False)
    limiter: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(MAX_REQUESTS), repr=False, compare=False
    )
    portals: BlockingPortalProvider = field(default_factory=BlockingPortalProvider, repr=False, compare=False)

    name = "openai"

    def __post_init__(self) -> None:
        if self.answers < 1:
            raise ValueError("answers must be above 0")
        self.endpoint  # noqa: B018  (checks the settings)

    @property
    def endpoint(self) -> ChatEndpoint:
        """The endpoint of these settings."""
        return ChatEndpoint(self.api_key, self.model, self.base_url, self.timeout, self.retries)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, model: str | None = None) -> ChatDescriber:
        """Read OPENAI_API_KEY, OPENAI_BASE_URL and, unless a model is given, OPENAI_MODEL.

        A server other than OpenAI's needs no key.

        Raises:
            MissingKeyError: no key for OpenAI's own endpoint.
        """
        key = environ.get("OPENAI_API_KEY", "").strip()
        base_url = environ.get("OPENAI_BASE_URL", "").strip()
        if not key and not base_url:
            raise MissingKeyError(
                "The openai describer needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for a local one."
            )
        model = model or environ.get("OPENAI_MODEL", "").strip() or DEFAULT_MODEL
        return cls(key or "none", model, base_url or OPENAI_URL)

    @property
    def fingerprint(self) -> str:
        """Model, host, prompt version, number of answers, temperature and sense."""
        prompts = f"prompts {load_prompts().version} for {self.answers} answers each"
        sense = f", meaning {self.gloss}" if self.gloss else ""
        return f"{self.model} at {self.endpoint.host}, {prompts}, temperature {self.temperature:g}{sense}"

    @property
    def usage(self) -> Usage:
        """Requests and tokens spent so far, if the meter counts them."""
        return getattr(self.meter, "usage", Usage())

    def with_meter(self, meter: Meter) -> ChatDescriber:
        return replace(self, meter=meter)

    def with_sense(self, gloss: str) -> ChatDescriber:
        """Return a describer for tags in this sense; the gloss is sent to the model as quoted data."""
        return replace(self, gloss=clean_sentence(gloss))

    def describe(self, tag: str) -> Iterator[str]:
        """Yield the plain prompt, then up to 50 different answers as they arrive."""
        return self.resume(tag, ())

    def resume(self, tag: str, given: Sequence[str]) -> Iterator[str]:
        """Ask only for as many answers as are missing from ``given``, spread over the prompts.

        A tag that an English text encoder cannot read is described by its English name, which the model is asked for.

        Raises:
            InputError: the tag is not a category.
            DescriberError: the endpoint cannot be reached, refuses, or gives no usable answer.
        """
        tag = spaced(normalize_category(tag))
        name = self._english_name(tag) if unreadable_words(tag) else tag
        plain = plain_prompt(name)
        seen = {sentence.casefold() for sentence in given}
        if plain.casefold() not in seen:
            yield plain
        seen.add(plain.casefold())
        wording = load_prompts()
        missing = max(0, self.answers * len(wording.prompts) - len(seen) + 1)
        share, rest = divmod(missing, len(wording.prompts))
        wanted = [
            (wording.messages(prompt, name, self.gloss), share + (index < rest))
            for index, prompt in enumerate(wording.prompts)
        ]
        for answer in self._stream(name, wanted, required=len(seen) == 1):
            if answer.casefold() not in seen:
                seen.add(answer.casefold())
                yield answer

    def _english_name(self, tag: str) -> str:
        """Ask for the English name of a tag in another script.

        Raises:
            DescriberError: the endpoint fails, or the answer is no English name.
        """
        (answer, *_) = self._stream(tag, [(load_prompts().translation_messages(tag), 1)], required=True)
        try:
            name = normalize_category(answer.rstrip("."))
        except InputError:
            name = tag
        if unreadable_words(name):
            raise DescriberError(f'{self.model} gave no English name for "{tag}": type it in English.')
        return name

    def _stream(self, tag: str, wanted: Sequence[tuple[Messages, int]], required: bool) -> Iterator[str]:
        """Yield the answers to all messages as they arrive, then raise the first failure.

        A prompt without a usable answer is a failure only where an answer is required and no prompt gave one. The event
        loop runs in a thread that all callers share; leaving early cancels this caller's requests.
        """
        arrived: SimpleQueue[str | None] = SimpleQueue()
        with self.portals as portal:
            asking = portal.start_task_soon(self._ask_all, tag, wanted, arrived.put)
            asking.add_done_callback(lambda _: arrived.put(None))
            try:
                while (answer := arrived.get()) is not None:
                    required = False
                    yield answer
            finally:
                asking.cancel()
            for failure in asking.result():
                if required or not isinstance(failure, _NoAnswer):
                    raise failure

    async def _ask_all(
        self, tag: str, wanted: Sequence[tuple[Messages, int]], give: Callable[[str], None]
    ) -> list[DescriberError]:
        """Send all messages side by side and return what went wrong."""
        failures: list[DescriberError] = []

        async def ask(messages: Messages, count: int) -> None:
            try:
                await self._ask(client, messages, tag, count, give)
            except DescriberError as error:
                failures.append(error)

        async with self.endpoint.client() as client, anyio.create_task_group() as group:
            for messages, count in wanted:
                if count:
                    group.start_soon(ask, messages, count)
        return failures

    async def _ask(
        self, client: AsyncOpenAI, messages: Messages, tag: str, wanted: int, give: Callable[[str], None]
    ) -> None:
        """Repeat the messages until there are as many answers as wanted, or no new ones come."""
        options: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "max_tokens": MAX_TOKENS,
            "temperature": self.temperature,
            "n": wanted,
        }
        seen: set[str] = set()
        count = fruitless = 0
        refused = False
        while count < wanted and fruitless < MAX_FRUITLESS_CALLS:
            options["n"] = min(options["n"], wanted - count)
            received = await self.endpoint.reply(client, options, self.meter, self.limiter)
            refused = refused or None in received
            texts = list(filter(None, received))
            new = [text for text in dict.fromkeys(texts) if text not in seen]
            fruitless = 0 if new else fruitless + 1
            count += len(texts)
            seen.update(new)
            for text in new[:wanted]:
                give(text)
        if not seen and refused:
            raise _NoAnswer(f'{self.model} refused to describe "{tag}": word it differently, or try another model.')
        if not seen:
            raise _NoAnswer(f'{self.model} gave an empty answer for "{tag}": try another model.')


class _NoAnswer(DescriberError):
    """A prompt brought no usable answer."""
