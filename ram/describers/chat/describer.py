"""Descriptions by a language model behind any OpenAI-compatible chat endpoint (RAM++, section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from anyio.from_thread import BlockingPortalProvider

from ram.describers.base import Describer
from ram.describers.chat.failures import reason
from ram.describers.chat.prompts import load_prompts
from ram.describers.chat.replies import answers, drop_rejected_option, max_tokens, usage
from ram.describers.usage import Meter, Usage, UsageCounter
from ram.describers.wording import plain_prompt
from ram.errors import DescriberError, InputError, MissingKeyError
from ram.text.cleaning import clean_sentence
from ram.text.names import normalize_category, spaced, unreadable_words

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini"
"""Differs from the paper, which asked gpt-3.5-turbo."""

MAX_REQUESTS = 5
"""Requests under way at the same time, for all threads together."""
MAX_TOKENS = 77
MIN_KEY_LENGTH = 12
"""Shorter keys are placeholders such as "none" and need not be hidden."""
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
        try:
            url = urlsplit(self.base_url)
            valid = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
        except ValueError:
            valid = False
        if not valid:
            raise InputError(f"the base URL is no web address: set OPENAI_BASE_URL to one like {OPENAI_URL}")
        if "@" in url.netloc:
            raise InputError("the base URL holds a password: put the key into OPENAI_API_KEY instead")
        if not re.fullmatch("[!-~]+", self.api_key):
            raise InputError("the key is empty or has characters that no key has: check OPENAI_API_KEY")
        if self.answers < 1 or self.timeout <= 0 or self.retries < 0:
            raise ValueError("answers and timeout must be above 0, retries at least 0")

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
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    @property
    def fingerprint(self) -> str:
        """Model, host, prompt version, number of answers, temperature and sense."""
        prompts = f"prompts {load_prompts().version} for {self.answers} answers each"
        sense = f", meaning {self.gloss}" if self.gloss else ""
        return f"{self.model} at {self.host}, {prompts}, temperature {self.temperature:g}{sense}"

    @property
    def usage(self) -> Usage:
        """What was spent so far, if the meter counts it."""
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

        async with self._client() as client, anyio.create_task_group() as group:
            for messages, count in wanted:
                if count:
                    group.start_soon(ask, messages, count)
        return failures

    def _client(self) -> AsyncOpenAI:
        try:
            from openai import AsyncOpenAI
        except ImportError:
            raise DescriberError(
                "The openai describer needs the openai package: run `pip install openai`, or use lexicon."
            ) from None
        return AsyncOpenAI(api_key=self.api_key, base_url=self.base_url, timeout=self.timeout, max_retries=self.retries)

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
            received = await self._reply(client, options)
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

    async def _reply(self, client: AsyncOpenAI, options: dict[str, Any]) -> list[str | None]:
        """Answers of one request; removes from ``options`` what the server rejects.

        A server that is too slow for several answers at once is asked for one.
        """
        import openai

        while True:
            patience = self.timeout * (1 if options["n"] > 1 else 1 + self.retries)
            try:
                async with self.limiter:
                    return answers(await self._request(client, options, patience), self._redact)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not drop_rejected_option(options, error):
                    raise self._explain(error) from None
            except (openai.APITimeoutError, TimeoutError) as error:
                if options["n"] == 1:
                    raise self._explain(error) from None
                options["n"] = 1
            except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
                raise self._explain(error) from None

    async def _request(self, client: AsyncOpenAI, options: Mapping[str, Any], patience: float) -> Any:
        """Send one request if the meter allows it. A request that is given up may be charged, so it counts in full."""
        import openai

        expected = max_tokens(options)
        self.meter.reserve(expected)
        used = Usage(1, completion_tokens=expected, estimated=True)
        try:
            with anyio.fail_after(patience):
                reply = await client.chat.completions.create(**options)
            used = usage(reply, options)
            return reply
        except openai.APIStatusError:
            used = Usage(1)
            raise
        finally:
            self.meter.settle(expected, used)

    def _explain(self, error: Exception) -> DescriberError:
        """The error as a sentence that says what to do."""
        why = reason(error, model=self.model, timeout=self.timeout, redact=self._redact)
        return DescriberError(f"{self.host} {why}.")

    def _redact(self, text: str) -> str:
        """Remove the key from a server's text, unless it is a placeholder."""
        return text.replace(self.api_key, "…") if len(self.api_key) >= MIN_KEY_LENGTH else text


class _NoAnswer(DescriberError):
    """A prompt brought no usable answer."""
