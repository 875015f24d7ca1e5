"""The page says in one line why it cannot start, before it loads models."""

import socket

import pytest

from demo import launch
from demo.flags import parser
from tests.tiny import tiny_tagger


def told(capsys, *flags):
    """Exit code and the lines on standard error."""
    try:
        code = launch.main(flags)
    except SystemExit as stopped:
        code = stopped.code
    return code, capsys.readouterr().err.strip().splitlines()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_a_port_in_use_is_one_line(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert told(capsys, "--port", str(port)) == (2, [f"demo: port {port} is in use: choose another with --port"])


def test_an_address_of_another_machine_is_one_line(capsys, free_port):
    code, lines = told(capsys, "--host", "192.0.2.1", "--port", free_port)
    assert code == 2 and len(lines) == 1
    assert lines[0].startswith(f"demo: cannot listen on 192.0.2.1 port {free_port}")


def test_an_unknown_model_is_one_line_with_its_name(capsys, free_port):
    code, lines = told(capsys, "--port", free_port, "--model", "no-such-model")
    assert code == 2 and len(lines) == 1
    assert "'no-such-model'" in lines[0]


@pytest.mark.parametrize("port", ["0", "70000", "-1", "http"])
def test_an_invalid_port_is_refused_with_its_value(capsys, port):
    code, lines = told(capsys, f"--port={port}")
    assert code == 2
    assert f"{port!r} is not a port" in lines[-1]


def test_the_models_are_warm_before_the_page_is_built(monkeypatch):
    """The page tags its first photo while it is built, and shows how long that took."""
    steps = []
    monkeypatch.setattr("ram.tagger_loading.load", lambda name, device: tiny_tagger())
    monkeypatch.setattr("demo.core.workbench.Workbench.warm_up", lambda bench: steps.append("warm up"))
    monkeypatch.setattr("demo.page.build_page", lambda *_: steps.append("build"))
    launch.build(parser({}).parse_args(["--compare-model", "none", "--captioner", "none"]), {})
    assert steps == ["warm up", "build"]


def test_host_and_port_can_come_from_the_environment():
    flags = parser({"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "9000"}).parse_args([])
    assert (flags.host, flags.port) == ("0.0.0.0", 9000)
    assert parser({}).parse_args([]).host == "127.0.0.1"
