"""What describers and limits say is recognised, and advice for the host reaches the log instead of the visitor."""

import sys

import pytest

from demo import launch
from demo.core.messages import message
from demo.core.texts import recognise, say, sentence
from demo.core.workbench import Workbench
from demo.flags import parser
from demo.server.limits import Budget, Limits
from demo.server.uploads import refusal as refusal_of
from demo.server.uploads import uploaded
from ram.describers.chat.describer import ChatDescriber
from ram.describers.fallback import Notice, describe_with_fallback
from ram.describers.lexicon.tables import installed_synsets
from ram.describers.local import server
from ram.describers.local.server import CompletionServer
from ram.describers.local.weights import open_weights
from ram.describers.template import TemplateDescriber
from ram.errors import DescriberError, RamError
from ram.evaluation.baselines.zero_shot_clip import ABSENT
from ram.models.build import LEARNED, build_text_encoder
from ram.models.text_encoder import MiniLMTextEncoder
from tests.chat_endpoint import completion, refusal
from tests.demo.core.test_recognised_errors import key_of, refused
from tests.demo.core.test_workbench import LEXICON, tagger, typed
from tests.describers.test_language_model_faults import FAULTS
from tests.describers.test_local import describer as local_describer
from tests.describers.test_local_server import STAND_IN, complete, weights
from tests.tiny import tiny_tagger

REPLIES = {
    **{name: reply for name, (reply, _) in FAULTS.items()},
    **{str(status): refusal(status, "no <b>way</b>. Never") for status in (400, 401, 403, 404, 407, 418, 503)},
    "an error": (200, {"choices": [], "error": {"message": "no credit"}}),
    "no English": completion("кошка"),
}


def notices(describer, tag="corgi"):
    """Keys of the notices about a tag, and those of the reasons in them."""
    for part in describe_with_fallback(describer, TemplateDescriber(), tag):
        if isinstance(part, Notice):
            found = recognise(part.text)
            yield key_of(part.text)
            if "reason" in found.values:
                yield found.values["reason"].values["text"].key


@pytest.mark.parametrize("fault", REPLIES)
@pytest.mark.parametrize("proxy", ["", " (through the proxy of HTTPS_PROXY)"])
def test_what_is_said_of_language_models_is_recognised(serve, fault, proxy, monkeypatch):
    chat = ChatDescriber("sk-0123456789ab", "tiny", serve(lambda *_: REPLIES[fault]).url, answers=1, retries=0)
    monkeypatch.setattr("ram.describers.chat.endpoint.through_proxy", lambda url: proxy)
    first, *others = notices(chat, "犬" if fault == "no English" else "corgi")
    assert first == "from_takes_over" and others[0].startswith("from_")


def test_what_is_said_of_unusable_endpoints_is_recognised(serve, monkeypatch):
    away = ChatDescriber("sk-0123456789ab", "tiny", "http://127.0.0.1:1/v1", answers=1, retries=0)
    assert list(notices(away)) == ["from_takes_over", "from_chat_away"]
    endpoint = serve(lambda *_: endpoint.released.wait(9) and completion("a"))
    slow = ChatDescriber("sk-0123456789ab", "tiny", endpoint.url, answers=1, retries=0, timeout=0.2)
    assert list(notices(slow)) == ["from_takes_over", "from_chat_slow"]
    for url, key in (("ftp://a", "a"), ("http://a:b@c", "a"), ("http://a", "ä")):
        assert refused(ChatDescriber, key, "tiny", url) == "from_chat_unusable"
    monkeypatch.setenv("HTTPS_PROXY", "gopher://a")
    assert list(notices(slow)) == ["from_takes_over", "from_chat_unusable"]
    monkeypatch.setitem(sys.modules, "openai", None)
    assert list(notices(slow)) == ["from_takes_over", "from_chat_unusable"]


def test_what_is_said_of_the_local_model_is_recognised(tmp_path, monkeypatch):
    local, _ = local_describer("")
    assert list(notices(local)) == ["from_takes_over", "from_local_nothing"]
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    monkeypatch.setattr(server, "is_available", lambda _: True)
    for behaviour, key, options in (
        ("does not start", "absent", {}), ("hangs", "slow", {"reply_seconds": 0.5}), ("no json", "absent", {}),
    ):  # fmt: skip
        started = CompletionServer(weights(tmp_path, behaviour), **options)
        assert refused(complete, started) == f"from_local_{key}"
        started.close()
    started = CompletionServer(weights(tmp_path, "stops"))
    complete(started), complete(started)
    assert refused(complete, started) == "from_local_stopped"
    started.close()
    with monkeypatch.context() as patch:
        patch.setattr(server.sys, "executable", str(tmp_path / "none"))
        assert refused(complete, started) == "from_local_absent"
    monkeypatch.setattr(server, "is_available", lambda _: False)
    assert refused(complete, started) == "from_local_absent"
    (tmp_path / "a.gguf").write_text("no")
    for name in ("a.gguf", "missing.gguf"):
        assert refused(open_weights, tmp_path / name) == "from_local_absent"


def test_what_is_said_of_choosing_a_describer_is_recognised(monkeypatch):
    def choice(name, *flags):
        return refused(launch.make_describer, parser({}).parse_args(flags), {}, name)

    assert choice("openai") == "from_no_language_model" and choice("nobody") == "from_no_describer"
    assert choice("openai:huge") == "from_not_offered" and choice("openai", "--no-llm") == "from_switched_off"
    monkeypatch.setattr("ram.describers.lexicon.tables.imagenet_synsets", lambda folder: open_weights(folder / "none"))
    assert refused(installed_synsets) == "from_lexicon_absent"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refused(installed_synsets) == "from_lexicon_absent"
    assert refused(MiniLMTextEncoder) == refused(build_text_encoder, LEARNED) == "from_no_text_encoder"


def test_what_is_said_of_limits_is_recognised():
    for limits, key in ((Limits(visitor=Budget(0)), "visitor"), (Limits(day=Budget(0)), "all")):
        assert refused(limits.reserve, "anna", 1) == f"from_limit_{key}"


def test_advice_for_the_host_is_logged_and_not_shown(caplog):
    bench = Workbench([tagger("plus")], lambda name: LEXICON if name == "lexicon" else _keyless())
    (told,) = typed(bench, "corgi", "openai").messages
    assert key_of(told) == "from_takes_over_all" and "OPENAI_API_KEY" not in sentence(told)
    assert "OPENAI_API_KEY" in caplog.text and "corgi" not in caplog.text
    caplog.clear()
    away = ChatDescriber("sk-0123456789ab", "tiny", "http://127.0.0.1:1/v1", answers=1, retries=0)
    bench = Workbench([tagger("plus")], lambda name: LEXICON if name == "lexicon" else away)
    (told,) = typed(bench, "corgi", "openai").messages
    assert sentence(told) == (
        "The language model cannot be reached: try again later, or choose another under “Described by”. "
        'The lexicon describer takes over for "corgi".'
    )
    assert "OPENAI_BASE_URL" in caplog.text and "corgi" not in caplog.text
    caplog.clear()
    assert message(DescriberError("The language model is away.")) == "The language model is away." and not caplog.text


def _keyless():
    return ChatDescriber.from_environ({})


def test_notices_of_the_workbench_are_recognised():
    bench = Workbench([tiny_tagger()], {"lexicon": TemplateDescriber()}.__getitem__)
    same = 'The text encoder reads "corgi" and "couch" as "sofa": only "sofa" is scored.'
    assert key_of(same) == "from_same_text" and recognise(same) == same
    (told,) = typed(bench, "犬").messages
    joined = f"{told} {same}"
    assert key_of(told) == "from_unreadable" and recognise(joined) == joined
    assert recognise(joined).key == "one_and_another" and sentence(joined) == joined
    assert recognise(joined).values == {"first": say("from_unreadable", tags='"犬"'), "rest": recognise(same)}
    assert key_of('The openai describer reads "犬" as in "a photo of a dog."') == "from_reads_as_in"
    assert key_of(ABSENT) == "from_clip_absent"


def test_what_is_said_of_uploads_has_a_key():
    for inputs, key in (([], "call_needs_values"), ([{"path": "https://a.example/b.jpg"}], "address_not_fetched")):
        assert refusal_of(ValueError(), 1, inputs).key == key
    with pytest.raises(RamError) as raised:
        uploaded(None, ".")
    assert message(raised.value).key == "photo_missing"
