"""Read the reply of a chat endpoint, which is untrusted: usable answers, tokens, rejected options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ram.describers.usage import Usage
from ram.text.cleaning import clean_sentence, whole_sentences


def answers(reply: Any, redact: Callable[[str], str]) -> list[str | None]:
    """Cleaned answer of every choice: "" where it is empty, None where the model refused.

    A last sentence that is cut off is dropped, and ``redact`` removes secrets.
    """
    return [_answer(choice, redact) for choice in reply.choices or ()]


def _answer(choice: Any, redact: Callable[[str], str]) -> str | None:
    content, finish_reason = choice.message.content, getattr(choice, "finish_reason", None)
    if finish_reason == "content_filter" or getattr(choice.message, "refusal", None):
        return None
    content = re.sub(r"<think>.*?(</think>|$)", "", redact(content or ""), flags=re.DOTALL)
    text = clean_sentence(whole_sentences(content) if finish_reason == "length" else content)
    return None if _REFUSAL.match(text) else text


def max_tokens(options: Mapping[str, Any]) -> int:
    """Upper estimate of the tokens of a request, prompt and answers together."""
    limit = options.get("max_tokens", options.get("max_completion_tokens", 0))
    return _prompt_tokens(options) + options["n"] * limit


def usage(reply: Any, options: Mapping[str, Any]) -> Usage:
    """Usage of one request as the server reports it, otherwise as estimated from the texts."""
    reported = getattr(reply, "usage", None)
    prompt, completion = getattr(reported, "prompt_tokens", None), getattr(reported, "completion_tokens", None)
    if type(prompt) is int and type(completion) is int and min(prompt, completion) >= 0 < prompt + completion:
        return Usage(1, prompt, completion)
    choices = getattr(reply, "choices", None) or ()
    texts = [getattr(getattr(choice, "message", None), "content", None) for choice in choices]
    completion = sum(estimate_tokens(text) for text in texts if isinstance(text, str))
    return Usage(1, _prompt_tokens(options), completion, estimated=True)


def estimate_tokens(text: str) -> int:
    """Estimate that errs on the high side: a token is about four bytes of English, three of other scripts."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


def _prompt_tokens(options: Mapping[str, Any]) -> int:
    return sum(estimate_tokens(message["content"]) + 4 for message in options["messages"])


def drop_rejected_option(options: dict[str, Any], error: Any) -> bool:
    """Remove or replace the option that the server rejects; False where nothing can be removed."""
    rejected = {str(error.param)} | set(re.findall(r"['\"`](\w+)['\"`]", error.message))
    if "max_tokens" in rejected and "max_tokens" in options:
        # Reasoning models count their reasoning too; the answer is cut to length later.
        del options["max_tokens"]
        options["max_completion_tokens"] = 1000
    elif "temperature" in rejected and "temperature" in options:
        del options["temperature"]
    elif options["n"] > 1 and not is_unknown_model(error):
        options["n"] = 1  # worded in many ways, such as "n_cmpl cannot be greater than the number of slots"
    else:
        return False
    return True


def is_unknown_model(error: Any) -> bool:
    """Whether a status other than 404 says that there is no such model."""
    return error.param == "model" or error.code in ("model_not_found", "invalid_model")


_REFUSAL = re.compile(r"(i['’]?m sorry|i am sorry|sorry|i can['’]?t|i cannot|i['’]?m unable|as an ai)\b", re.IGNORECASE)
