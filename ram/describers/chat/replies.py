"""What a chat endpoint replies, which is nobody's word: usable answers, tokens, refused options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ram.describers.usage import Usage
from ram.text.descriptions import clean_sentence, whole_sentences


def answers(reply: Any, hide: Callable[[str], str]) -> list[str | None]:
    """The cleaned answer of every choice: "" where it is empty, None where the model refused.

    A last sentence that broke off is left out, and so is what `hide` takes out of a text.
    """
    return [_answer(choice, hide) for choice in reply.choices or ()]


def _answer(choice: Any, hide: Callable[[str], str]) -> str | None:
    content, ended = choice.message.content, getattr(choice, "finish_reason", None)
    if ended == "content_filter" or getattr(choice.message, "refusal", None):
        return None
    content = re.sub(r"<think>.*?(</think>|$)", "", hide(content or ""), flags=re.DOTALL)
    text = clean_sentence(whole_sentences(content) if ended == "length" else content)
    return None if _REFUSAL.match(text) else text


def most_tokens(options: Mapping[str, Any]) -> int:
    """An upper estimate of what a request takes, question and answers together."""
    return _asked(options) + options["n"] * options.get("max_tokens", options.get("max_completion_tokens", 0))


def usage(reply: Any, options: Mapping[str, Any]) -> Usage:
    """One request with the tokens that the server reports, else with our estimate of them."""
    said = getattr(reply, "usage", None)
    prompt, completion = getattr(said, "prompt_tokens", None), getattr(said, "completion_tokens", None)
    if type(prompt) is int and type(completion) is int and min(prompt, completion) >= 0 < prompt + completion:
        return Usage(1, prompt, completion)
    choices = getattr(reply, "choices", None) or ()
    texts = [getattr(getattr(choice, "message", None), "content", None) for choice in choices]
    answered = sum(estimated_tokens(text) for text in texts if isinstance(text, str))
    return Usage(1, _asked(options), answered, estimated=True)


def estimated_tokens(text: str) -> int:
    """Rather too many than too few: a token is about four bytes of English, three of other writing."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


def _asked(options: Mapping[str, Any]) -> int:
    return sum(estimated_tokens(message["content"]) + 4 for message in options["messages"])


def give_up_refused(options: dict[str, Any], error: Any) -> bool:
    """Do without the option that the server refuses; False where nothing is left to do without."""
    refused = {str(error.param)} | set(re.findall(r"['\"`](\w+)['\"`]", error.message))
    if "max_tokens" in refused and "max_tokens" in options:
        # Models that think before they answer count that too; the answer is cut to length later.
        del options["max_tokens"]
        options["max_completion_tokens"] = 1000
    elif "temperature" in refused and "temperature" in options:
        del options["temperature"]
    elif options["n"] > 1 and not is_unknown_model(error):
        options["n"] = 1  # said in many ways, such as "n_cmpl cannot be greater than the number of slots"
    else:
        return False
    return True


def is_unknown_model(error: Any) -> bool:
    """Whether a status other than 404 says that there is no such model."""
    return error.param == "model" or error.code in ("model_not_found", "invalid_model")


_REFUSAL = re.compile(r"(i['’]?m sorry|i am sorry|sorry|i can['’]?t|i cannot|i['’]?m unable|as an ai)\b", re.IGNORECASE)
