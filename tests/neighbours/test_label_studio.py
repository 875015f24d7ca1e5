"""Predictions for Label Studio, checked by its own package where it is here, and by the recorded form elsewhere."""

import base64
import http.server
import threading
from functools import partial

import pytest

from ram.errors import DownloadError, ImageError, InputError

pytest.importorskip("starlette", reason="needs the extra ram[serve]")
from starlette.testclient import TestClient  # noqa: E402

from ram.neighbours.asked_pictures import Labeller  # noqa: E402
from ram.neighbours.label_service import label_service  # noqa: E402
from ram.neighbours.label_studio import controls_of  # noqa: E402
from ram.neighbours.task_pictures import TaskPictures  # noqa: E402

CONFIG = """
<View><Image name="photo" value="$image"/>
<Choices name="what" toName="photo" choice="{}"><Choice value="Dog"/><Choice value="a red kite"/></Choices>
<RectangleLabels name="where" toName="photo"><Label value="Dog"/><Label value="cat"/></RectangleLabels></View>
"""


@pytest.fixture
def client(tagger):
    return TestClient(label_service(Labeller(tagger, tagger.bank), hosts=["testserver"]), raise_server_exceptions=False)


def predicted(client, encoded, choice="multiple"):
    task = {"id": 7, "data": {"image": f"data:image/png;base64,{encoded}"}}
    reply = client.post("/predict", json={"tasks": [task], "label_config": CONFIG.format(choice), "project": "1.2"})
    assert reply.status_code == 200, reply.text
    (one,) = reply.json()["results"]
    return one


def test_predictions_have_the_recorded_form(client, encoded):
    one = predicted(client, encoded)
    assert set(one) == {"result", "score", "model_version"}
    by_type = {result["type"]: result for result in one["result"]}
    assert by_type["choices"]["from_name"] == "what" and by_type["choices"]["to_name"] == "photo"
    assert set(by_type["choices"]["value"]["choices"]) <= {"Dog", "a red kite"}
    box = by_type["rectanglelabels"]
    assert (box["original_width"], box["original_height"]) == (60, 40)
    value = box["value"]
    assert value["rectanglelabels"][0] in ("Dog", "cat") and value["x"] + value["width"] <= 100


def test_a_single_choice_gets_one_label(client, encoded):
    choices = [one for one in predicted(client, encoded, "single")["result"] if one["type"] == "choices"]
    assert len(choices) == 1 and len(choices[0]["value"]["choices"]) == 1


def test_label_studio_accepts_the_predictions(client, encoded):
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason="needs label-studio-sdk: make test-neighbours")
    interface = sdk.LabelInterface(CONFIG.format("multiple"))
    assert interface.validate_prediction(predicted(client, encoded), return_errors=True) == []
    broken = predicted(client, encoded)
    broken["result"][0]["from_name"] = "nothing"
    assert interface.validate_prediction(broken, return_errors=True)  # the check does find errors


def test_setup_and_health_answer_as_a_backend_does(client):
    assert client.get("/health").json()["status"] == "UP"
    assert client.post("/setup", json={"project": "1.2", "schema": CONFIG}).json() == {"model_version": "tiny"}
    assert client.post("/webhook", json={"action": "ANNOTATION_CREATED"}).status_code == 201


@pytest.mark.parametrize("config", ["<View>", "<View/>", '<View><Text name="t" value="$t"/></View>', ""])
def test_a_configuration_without_labels_for_images_is_refused(client, config):
    with pytest.raises(InputError):
        controls_of(config)
    reply = client.post("/predict", json={"tasks": [], "label_config": config})
    assert reply.status_code == 400 and "labelling configuration" in reply.json()["error"]


def test_images_come_from_the_given_host_and_folder_alone(file, tmp_path, picture):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "one.png").write_bytes(file)
    (tmp_path / "secret.png").write_bytes(file)
    handler = partial(_Silent, directory=str(tmp_path / "inside"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        host = f"http://127.0.0.1:{server.server_port}"
        read = TaskPictures(host, "token", tmp_path / "inside")
        for address in ("/one.png", f"{host}/one.png", "/data/local-files/?d=one.png",
                        f"data:image/png;base64,{base64.b64encode(file).decode()}"):  # fmt: skip
            assert read(address).size == picture.size
        for address in ("http://127.0.0.2/one.png", "//127.0.0.2/one.png", "file:///etc/hostname",
                        "/data/local-files/?d=../secret.png", "/data/local-files/?d=/etc/hostname"):  # fmt: skip
            with pytest.raises(InputError):
                read(address)
        with pytest.raises(DownloadError, match="404"):
            read("/gone.png")
        with pytest.raises(ImageError):
            read("")
        with pytest.raises(InputError, match="--label-studio"):
            TaskPictures()("/one.png")
    finally:
        server.shutdown()
        server.server_close()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing."""
