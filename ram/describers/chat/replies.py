"""Read the reply of a chat endpoint, which is untrusted: usable answers, tokens, rejected options."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ram.describers.usage import Usage
from ram.text.cleaning import clean_sentence, whole_sentences

REASONING_TOKENS = 1000
"""Limit for reasoning models, which count their reasoning too; the answer is cut to length later."""


def answers(reply: Any, redact: Callable[[str], str]) -> list[str | None]:
    """Cleaned answer of every choice: "" where it is empty, None where the model refused.

    A last sentence that is cut off is dropped, and ``redact`` removes secrets.

    Raises:
        ErrorReply: the reply is an error in place of answers.
    """
    if not reply.choices and isinstance(error := getattr(reply, "error", None), dict):
        raise ErrorReply(str(error.get("message", error)))
    return [_answer(choice, redact) for choice in reply.choices or ()]


def is_cut_thought(reply: Any) -> bool:
    """Whether a reasoning model used up its tokens before it answered."""
    return any(choice.finish_reason == "length" for choice in reply.choices or ())


class ErrorReply(ValueError):
    """A reply of status 200 whose content is an error."""


def _answer(choice: Any, redact: Callable[[str], str]) -> str | None:
    content, finish_reason = choice.message.content, getattr(choice, "finish_reason", None)
    if finish_reason == "content_filter" or getattr(choice.message, "refusal", None):
        return None
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    # Some templates write the opening tag into the prompt, so that the reply has the closing one only.
    content = re.sub(r"^.*</think>|<think>.*$", "", redact(content or ""), flags=re.DOTALL)
    text = clean_sentence(whole_sentences(content) if finish_reason == "length" else _from_json(content))
    return None if _REFUSAL.match(text) else text


def _from_json(content: str) -> str:
    """The longest text of an answer in JSON, perhaps fenced; any other answer unchanged."""
    bare = re.sub(r"^\s*```\w*\s*|\s*```\s*$", "", content)
    if not bare.lstrip().startswith(("{", "[", '"')):
        return content
    try:
        document = json.loads(bare)
    except (ValueError, RecursionError):
        return content
    values = document.values() if isinstance(document, dict) else document if isinstance(document, list) else [document]
    return max((value for value in values if isinstance(value, str)), key=len, default=content)


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
        del options["max_tokens"]
        options["max_completion_tokens"] = REASONING_TOKENS
    elif "temperature" in rejected and "temperature" in options:
        del options["temperature"]
    elif options["messages"][0]["role"] == "system" and re.search(r"\bsystem\b", error.message, re.IGNORECASE):
        system, user = options["messages"]
        options["messages"] = [{"role": "user", "content": f"{system['content']}\n\n{user['content']}"}]
    elif options["n"] > 1 and not is_unknown_model(error):
        options["n"] = 1  # worded in many ways, such as "n_cmpl cannot be greater than the number of slots"
    else:
        return False
    return True


def is_unknown_model(error: Any) -> bool:
    """Whether a status other than 404 says that there is no such model."""
    return error.param == "model" or error.code in ("model_not_found", "invalid_model")


_REFUSAL = re.compile(r"(i['’]?m sorry|i am sorry|sorry|i can['’]?t|i cannot|i['’]?m unable|as an ai)\b", re.IGNORECASE)
