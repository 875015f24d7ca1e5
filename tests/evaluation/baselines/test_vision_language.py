"""A vision-language model behind a chat endpoint: what it is sent, how its answer is read, what it costs."""

import base64
import io

import pytest
from PIL import Image

from ram.describers.chat.endpoint import ChatEndpoint
from ram.errors import DescriberError, MissingKeyError
from ram.evaluation.baselines.vision_language import VisionLanguageTagger, endpoint_from_environ, named_tags
from tests.chat_endpoint import completion, refusal

PHOTO = Image.new("RGB", (3000, 1500), (200, 30, 30))


def answering(text):
    def behave(request, number):
        status, body = completion(text)
        return status, {**body, "usage": {"prompt_tokens": 700, "completion_tokens": 12, "total_tokens": 712}}

    return behave


def test_named_tags_have_the_score_one_and_tokens_are_counted(serve):
    server = serve(answering('```json\n["Dog", "red", "unicorn"]\n```'))
    tagger = VisionLanguageTagger(ChatEndpoint("none", "eyes", server.url, 5, 0), ["cat", "dog", "red"])
    assert tagger.score(PHOTO).tolist() == [0, 1, 1]
    assert tagger.unlisted == 1 and tagger.usage.tokens == 712 and tagger.usage.requests == 1
    assert not tagger.probabilities and tagger.name == "eyes"
    (request,) = server.requests
    image, question = request["messages"][-1]["content"]
    assert "cat, dog, red" in question["text"] and request["temperature"] == 0
    kind, _, content = image["image_url"]["url"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (1024, 512)


@pytest.mark.parametrize(
    "answer, tags",
    [
        ('["dog", "pine tree"]', ("dog", "pine tree")),
        ("The tags are: [1] then\n[\"dog\"]", ("dog",)),
        ("dog, pine tree.", ("dog", "pine tree")),
        ("- dog\n- pine tree\n- dog", ("dog", "pine tree")),
        ("1. dog\n2) `cat`", ("dog", "cat")),
        ("[]", ()),
        ("", ()),
    ],
)
def test_answers_are_read_in_the_forms_that_models_give(answer, tags):
    assert named_tags(answer) == tags


def test_a_failing_endpoint_gets_a_sentence(serve):
    server = serve(lambda request, number: refusal(401, "who are you?"))
    with pytest.raises(DescriberError, match="127.0.0.1"):
        VisionLanguageTagger(ChatEndpoint("none", "eyes", server.url, 5, 0), ["cat"]).score(PHOTO)


def test_the_endpoint_comes_from_the_environment():
    endpoint = endpoint_from_environ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_MODEL": "eyes"})
    assert (endpoint.model, endpoint.base_url) == ("eyes", "http://127.0.0.1:1/v1")
    with pytest.raises(MissingKeyError, match="needs an endpoint"):
        endpoint_from_environ({})
    with pytest.raises(MissingKeyError, match="name the vision-language model"):
        endpoint_from_environ({"OPENAI_API_KEY": "k"})
