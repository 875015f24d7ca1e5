"""The page's entry point says in one line why it cannot start, before it spends time on models."""

import socket

import pytest

import app


def told(capsys, *flags):
    """Exit code and the lines on standard error."""
    try:
        code = app.main(flags)
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
        assert told(capsys, "--port", str(port)) == (2, [f"app.py: port {port} is in use: choose another with --port"])


def test_an_address_that_is_not_ours_is_one_line(capsys, free_port):
    code, lines = told(capsys, "--host", "192.0.2.1", "--port", free_port)
    assert code == 2 and len(lines) == 1
    assert lines[0].startswith(f"app.py: cannot listen on 192.0.2.1 port {free_port}")


def test_an_unknown_model_is_one_line_that_names_it(capsys, free_port):
    code, lines = told(capsys, "--port", free_port, "--model", "no-such-model")
    assert code == 2 and len(lines) == 1
    assert "'no-such-model'" in lines[0]


@pytest.mark.parametrize("port", ["0", "70000", "-1", "http"])
def test_a_port_that_is_none_is_refused_with_its_value(capsys, port):
    code, lines = told(capsys, f"--port={port}")
    assert code == 2
    assert f"{port!r} is no port" in lines[-1]


def test_the_host_of_a_space_is_taken_from_the_environment():
    flags = app._parser({"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "9000"}).parse_args([])
    assert (flags.host, flags.port) == ("0.0.0.0", 9000)
    assert app._parser({}).parse_args([]).host == "127.0.0.1"
