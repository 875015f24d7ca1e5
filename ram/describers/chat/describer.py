"""Descriptions by a language model behind any OpenAI-compatible chat endpoint (RAM++, section 3.3)."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ram.describers.chat.prompts import PROMPT_VERSION, PROMPTS, messages
from ram.describers.chat.refusals import reason
from ram.describers.chat.replies import answers, give_up_refused, most_tokens, usage
from ram.describers.streaming import iterate_in_thread
from ram.describers.usage import Meter, Tally, Usage
from ram.describers.wording import plain_prompt
from ram.errors import DescriberError, MissingKeyError
from ram.text.descriptions import clean_sentence, normalize_category

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini"
"""Differs from the paper, which asked gpt-3.5-turbo."""

MOST_AT_ONCE = 5
"""Requests that are under way at the same time, whoever they are for."""
MOST_TOKENS = 77
SHORTEST_KEY = 12
"""Characters from which on a key is one that must not be seen."""
MOST_BARREN_CALLS = 2
"""Calls in a row that bring nothing new before a prompt is given up; for servers that ignore `n`."""


@dataclass(frozen=True)
class ChatDescriber:
    """Asks a chat endpoint the paper's five prompts, for ten answers each.

    Args:
        api_key: sent to the endpoint, shown nowhere.
        model: the endpoint's name of the language model.
        base_url: up to and with the version, such as "http://127.0.0.1:8000/v1".
        temperature: 0.99 in the paper, for answers that differ.
        answers: how many of each prompt.
        timeout: seconds to wait for one reply.
        retries: how often a request is repeated, after a growing pause, when the server is busy (408, 409, 429), fails
            (5xx) or cannot be reached.
        gloss: which meaning of the tag is meant; empty for any.
        meter: asked before every request, told what it took.

    Raises:
        ValueError: the base URL or the key cannot be one.
    """

    api_key: str = field(repr=False)
    model: str = DEFAULT_MODEL
    base_url: str = OPENAI_URL
    temperature: float = 0.99
    answers: int = 10
    timeout: float = 30.0
    retries: int = 2
    gloss: str = ""
    meter: Meter = field(default_factory=Tally, repr=False, compare=False)
    turns: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(MOST_AT_ONCE), repr=False, compare=False
    )
    name: str = field(default="openai", init=False)

    def __post_init__(self) -> None:
        try:
            url = urlsplit(self.base_url)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(f"the base URL is no web address: set OPENAI_BASE_URL to one like {OPENAI_URL}")
        if "@" in url.netloc:
            raise ValueError("the base URL holds a password: put the key into OPENAI_API_KEY instead")
        if not re.fullmatch("[!-~]+", self.api_key):
            raise ValueError("the key is empty or has characters that no key has: check OPENAI_API_KEY")
        if self.answers < 1 or self.timeout <= 0 or self.retries < 0:
            raise ValueError("answers and timeout have to be above 0, retries not below")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, model: str | None = None) -> ChatDescriber:
        """With OPENAI_API_KEY, OPENAI_BASE_URL and, where no model is named, OPENAI_MODEL.

        A server of one's own needs no key.

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
        """Model, host, prompt version, temperature and number of answers: what the sentences depend on."""
        prompts = f"prompts {PROMPT_VERSION} for {self.answers} answers each"
        meaning = f", meaning {self.gloss}" if self.gloss else ""
        return f"{self.model} at {self.host}, {prompts}, temperature {self.temperature:g}{meaning}"

    @property
    def usage(self) -> Usage:
        """What was asked for so far, as far as the meter tells."""
        return getattr(self.meter, "usage", Usage())

    def metered(self, meter: Meter) -> ChatDescriber:
        """The same with another meter; both together still send at most `MOST_AT_ONCE` requests at once."""
        return replace(self, meter=meter)

    def meaning(self, gloss: str) -> ChatDescriber:
        """The same for a tag that is meant in this sense; the gloss goes to the model as data."""
        return replace(self, gloss=clean_sentence(gloss))

    def describe(self, tag: str) -> Iterator[str]:
        """The plain prompt, then up to 50 answers as they arrive, none twice."""
        return self.resume(tag, ())

    def resume(self, tag: str, held: Sequence[str]) -> Iterator[str]:
        """Ask only for as many answers as `held` lacks, spread over the prompts.

        Raises:
            ValueError: the tag is no category.
            DescriberError: the endpoint cannot be reached, refuses, or says nothing of use.
        """
        tag = normalize_category(tag)
        plain = plain_prompt(tag)
        seen = {sentence.casefold() for sentence in held}
        if plain.casefold() not in seen:
            yield plain
        seen.add(plain.casefold())
        lacking = max(0, self.answers * len(PROMPTS) - len(seen) + 1)
        share, rest = divmod(lacking, len(PROMPTS))
        wanted = [share + (place < rest) for place in range(len(PROMPTS))]
        needed = len(seen) == 1
        for answer in iterate_in_thread(lambda: self._answers(tag, wanted, needed)):
            if answer.casefold() not in seen:
                seen.add(answer.casefold())
                yield answer

    async def _answers(self, tag: str, wanted: Sequence[int], needed: bool) -> AsyncGenerator[str, None]:
        """Cleaned answers of all prompts as they arrive; the first failure is raised after all of them.

        That one prompt brings nothing of use is a failure only where answers are needed and none brings any.
        """
        arrived: asyncio.Queue[str | None] = asyncio.Queue(maxsize=self.answers)
        async with self._client() as client:

            async def ask_all() -> list[BaseException | None]:
                asks = [
                    self._ask(client, prompt, tag, want, arrived)
                    for prompt, want in zip(PROMPTS, wanted, strict=True)
                    if want
                ]
                failures = await asyncio.gather(*asks, return_exceptions=True)
                await arrived.put(None)
                return failures

            asking = asyncio.create_task(ask_all())
            try:
                while (answer := await arrived.get()) is not None:
                    needed = False
                    yield answer
                for failure in await asking:
                    if failure is not None and (needed or not isinstance(failure, _NothingOfUse)):
                        raise failure
            finally:
                asking.cancel()

    def _client(self) -> AsyncOpenAI:
        try:
            from openai import AsyncOpenAI
        except ImportError:
            raise DescriberError(
                "The openai describer needs the openai package: run `pip install openai`, or use lexicon."
            ) from None
        return AsyncOpenAI(api_key=self.api_key, base_url=self.base_url, timeout=self.timeout, max_retries=self.retries)

    async def _ask(
        self, client: AsyncOpenAI, prompt: str, tag: str, want: int, arrived: asyncio.Queue[str | None]
    ) -> None:
        """Repeat one prompt until there are as many answers as wanted, or nothing new comes any more."""
        options: dict[str, Any] = {
            "model": self.model,
            "messages": messages(prompt, tag, self.gloss),
            "max_tokens": MOST_TOKENS,
            "temperature": self.temperature,
            "n": want,
        }
        seen: set[str] = set()
        count = barren = 0
        refused = False
        while count < want and barren < MOST_BARREN_CALLS:
            options["n"] = min(options["n"], want - count)
            heard = await self._reply(client, options)
            refused = refused or None in heard
            texts = list(filter(None, heard))
            fresh = [text for text in texts if text not in seen]
            barren = 0 if fresh else barren + 1
            count += len(texts)
            seen.update(fresh)
            for text in fresh[:want]:
                await arrived.put(text)
        if not seen and refused:
            raise _NothingOfUse(f'{self.model} refused to describe "{tag}": word it differently, or try another model.')
        if not seen:
            raise _NothingOfUse(f'{self.model} gave an empty answer for "{tag}": try another model.')

    async def _reply(self, client: AsyncOpenAI, options: dict[str, Any]) -> list[str | None]:
        """One request's answers; changes `options` where the server does not know one of them.

        A server that is too slow for several answers at once is asked for one.
        """
        import openai

        while True:
            patience = self.timeout * (1 if options["n"] > 1 else 1 + self.retries)
            try:
                async with self._turn():
                    return answers(await self._request(client, options, patience), self._without_key)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not give_up_refused(options, error):
                    raise self._explain(error) from None
            except (openai.APITimeoutError, asyncio.TimeoutError) as error:
                if options["n"] == 1:
                    raise self._explain(error) from None
                options["n"] = 1
            except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
                raise self._explain(error) from None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait until fewer than `MOST_AT_ONCE` requests are under way, those of other threads' event loops included."""
        while not self.turns.acquire(blocking=False):
            await asyncio.sleep(0.02)
        try:
            yield
        finally:
            self.turns.release()

    async def _request(self, client: AsyncOpenAI, options: Mapping[str, Any], patience: float) -> Any:
        """Send it as the meter allows. What is given up on the way may have been charged for: it counts in full."""
        import openai

        expected = most_tokens(options)
        self.meter.reserve(expected)
        used = Usage(1, completion_tokens=expected, estimated=True)
        try:
            reply = await asyncio.wait_for(client.chat.completions.create(**options), patience)
            used = usage(reply, options)
            return reply
        except openai.APIStatusError:
            used = Usage(1)
            raise
        finally:
            self.meter.settle(expected, used)

    def _explain(self, error: Exception) -> DescriberError:
        """The error as a sentence that says what to do."""
        said = reason(error, model=self.model, timeout=self.timeout, hide=self._without_key)
        return DescriberError(f"{self.host} {said}.")

    def _without_key(self, text: str) -> str:
        """Server's words without the key, should it repeat it; a placeholder such as "none" is no key."""
        return text.replace(self.api_key, "…") if len(self.api_key) >= SHORTEST_KEY else text


class _NothingOfUse(DescriberError):
    """A prompt brought no answer that says anything."""
