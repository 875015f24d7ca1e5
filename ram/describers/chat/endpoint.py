"""Endpoint of a language model: one request, with what to do where the server rejects, fails or is slow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from ram.describers.chat.failures import reason
from ram.describers.chat.replies import (
    REASONING_TOKENS,
    answers,
    drop_rejected_option,
    is_cut_thought,
    max_tokens,
    usage,
)
from ram.describers.usage import Meter, Usage
from ram.errors import DescriberError, InputError
from ram.proxies import NETWORK_VARIABLES, through_proxy, unusable_variables
from ram.text.cleaning import clean_sentence

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
_PROXY_FAILURES = (403, 407, 502, 503, 504)
"""Status of a reply that a proxy gives itself where it reaches no server."""
MIN_KEY_LENGTH = 12
"""Shorter keys are placeholders such as "none" and need not be hidden."""


@dataclass(frozen=True)
class ChatEndpoint:
    """OpenAI-compatible chat endpoint.

    Args:
        api_key: sent to the endpoint, never shown.
        model: the endpoint's name of the language model.
        base_url: URL including the version.
        timeout: seconds to wait for one reply.
        retries: how often a request is repeated when the server is busy, fails or cannot be reached.

    Raises:
        InputError: the base URL is not a URL, or the key has characters that no key has.
        ValueError: timeout or retries are too small.
    """

    api_key: str = field(repr=False)
    model: str
    base_url: str
    timeout: float
    retries: int

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
        if self.timeout <= 0 or self.retries < 0:
            raise ValueError("timeout must be above 0, retries at least 0")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    def client(self) -> AsyncOpenAI:
        """A client for one event loop.

        Raises:
            DescriberError: the openai package is missing, or a proxy of the environment cannot be used.
        """
        try:
            from openai import AsyncOpenAI
        except ImportError:
            raise DescriberError(
                "The openai describer needs the openai package: run `pip install openai`, or use lexicon."
            ) from None
        try:
            return AsyncOpenAI(
                api_key=self.api_key, base_url=self.base_url, timeout=self.timeout, max_retries=self.retries
            )
        except Exception as error:  # httpx refuses settings of the environment with errors of many kinds
            why = clean_sentence(self.redact(str(error))).rstrip(".")
            if variables := " and ".join(unusable_variables()):
                advice = f"unset {variables}, or name a proxy that begins with http://"
            else:
                advice = f"check {', '.join(NETWORK_VARIABLES)}"
            raise DescriberError(f"The network settings cannot be used ({why}): {advice}.") from None

    async def reply(
        self, client: AsyncOpenAI, options: dict[str, Any], meter: Meter, limiter: anyio.CapacityLimiter
    ) -> list[str | None]:
        """Answers of one request; removes from ``options`` what the server rejects.

        A server that is too slow for several answers at once is asked for one.

        Args:
            client: of :meth:`client`.
            options: of the chat completion.
            meter: asked before every request.
            limiter: limits the requests under way.

        Raises:
            DescriberError: the server refuses, fails or cannot be reached; the meter refuses.
        """
        import openai

        while True:
            patience = self.timeout * (1 if options["n"] > 1 else 1 + self.retries)
            try:
                async with limiter:
                    reply = await self._request(client, options, patience, meter)
                texts = answers(reply, self.redact)
                has_room = options.get("max_tokens", REASONING_TOKENS) >= REASONING_TOKENS
                if any(texts) or has_room or not is_cut_thought(reply):
                    return texts
                options["max_tokens"] = REASONING_TOKENS
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not drop_rejected_option(options, error):
                    raise self._explain(error) from None
            except (openai.APITimeoutError, TimeoutError) as error:
                if options["n"] == 1:
                    raise self._explain(error) from None
                options["n"] = 1
            except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
                raise self._explain(error) from None

    async def _request(
        self, client: AsyncOpenAI, options: Mapping[str, Any], patience: float, meter: Meter
    ) -> Any:
        """Send one request if the meter allows it. A request that is given up may be charged, so it counts in full."""
        import openai

        expected = max_tokens(options)
        meter.reserve(expected)
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
            meter.settle(expected, used)

    def _explain(self, error: Exception) -> DescriberError:
        """The error as a sentence that says what to do."""
        import openai

        failed = isinstance(error, openai.APIConnectionError) or getattr(error, "status_code", 0) in _PROXY_FAILURES
        why = reason(error, model=self.model, timeout=self.timeout, redact=self.redact)
        proxy = through_proxy(self.base_url)
        if proxy and failed:
            why += f", or set NO_PROXY={urlsplit(self.base_url).hostname} to go past the proxy"
        return DescriberError(f"{self.host}{proxy} {why}.")

    def redact(self, text: str) -> str:
        """Remove the key from a server's text, unless it is a placeholder."""
        return text.replace(self.api_key, "…") if len(self.api_key) >= MIN_KEY_LENGTH else text
