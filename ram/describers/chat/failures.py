"""Turn the error of a chat request into the end of a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable

from ram.describers.chat.replies import ErrorReply, is_unknown_model
from ram.text.cleaning import clean_sentence


def reason(error: Exception, *, model: str, timeout: float, redact: Callable[[str], str]) -> str:
    """Why an endpoint gave no answer. The server's own words appear only where no sentence of ours fits.

    Args:
        error: raised by the openai package, by a timeout, or while reading the reply.
        model: the language model that was asked.
        timeout: seconds after which the request was given up.
        redact: removes secrets from a text.
    """
    import openai

    status = getattr(error, "status_code", None)
    if isinstance(error, openai.AuthenticationError):
        return "refused the key: check OPENAI_API_KEY"
    if isinstance(error, openai.PermissionDeniedError):
        return f"does not let this key use {model}: choose another model"
    if isinstance(error, openai.NotFoundError) or (status == 400 and is_unknown_model(error)):
        return f"has no model {model}: name another in OPENAI_MODEL, or check OPENAI_BASE_URL"
    if isinstance(error, openai.RateLimitError):
        return "turns requests away, too many came or no credit is left: try again later"
    if isinstance(error, (openai.APITimeoutError, TimeoutError)):
        return f"did not answer within {timeout:g} seconds: try again later"
    if isinstance(error, openai.APIConnectionError):
        return "cannot be reached: check the connection and OPENAI_BASE_URL"
    if isinstance(status, int) and (status >= 500 or status in (408, 409)):
        return f"failed with status {status}: try again later"
    if isinstance(error, openai.APIStatusError):
        message = clean_sentence(redact(error.message))[:200]
        return f"refused the request with status {status} ({message}): check the model"
    if isinstance(error, ErrorReply):
        return f"answered with an error ({clean_sentence(redact(str(error)))[:200].rstrip('.')}): try again later"
    return "does not answer as a chat endpoint does: check OPENAI_BASE_URL"
