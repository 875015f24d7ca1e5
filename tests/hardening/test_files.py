"""No file of the host can be read through the page."""

import os
from urllib.parse import quote

import pytest

from tests.server import ROOT, ask, photo, upload

SECRET = "tell nobody"
DOGS = ROOT / "assets" / "examples" / "dogs.jpg"


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    """A file of the host that must not be served."""
    path = tmp_path_factory.mktemp("home") / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture(scope="module")
def visitor(server):
    with server.visitor() as one:
        yield one


@pytest.fixture(scope="module")
def own(visitor):
    """A file that the visitor has uploaded."""
    return upload(visitor, "own.png", b"mine")


def ways(secret, own):
    """URLs that might lead to the file."""
    folder = os.path.dirname(own)
    up = os.path.relpath(secret, folder)
    for path in (
        str(secret),
        f"{folder}/{up}",
        f"../../../../..{secret}",
        f"{own}/../{up}",
        f"//{secret}",
        f"~{secret}",
    ):
        for written in (path, quote(path, safe=""), quote(quote(path, safe=""), safe=""), path.replace("/", "\\")):
            yield f"/gradio_api/file={written}"
            yield f"/gradio_api/file/{written}"
            yield f"/file={written}"
            yield f"/static/{written}"
            yield f"/assets/{written}"
            yield f"/theme/{written}"
            yield f"/gradio_api/custom_component/x/client/component/{written}"
        yield f"/gradio_api/file=file://{path}"
        yield f"/gradio_api/proxy=file://{path}"
        yield f"/gradio_api/file={path}%00.png"
        yield f"/gradio_api/deep_link?session_hash={quote(path, safe='')}"
        yield f"/?deep_link={quote(path, safe='')}"


def test_no_url_leads_to_a_file_of_the_host(visitor, secret, own):
    tried = list(ways(secret, own))
    assert len(tried) > 100
    for address in tried:
        assert SECRET not in visitor.get(address).text, address


@pytest.mark.parametrize("path", ["app.py", "pyproject.toml", "README.md", "assets/examples/dogs.jpg", ".git/config"])
def test_files_of_the_program_are_not_served(visitor, path):
    for address in (str(ROOT / path), path, f"./{path}"):
        assert visitor.get(f"/gradio_api/file={address}").status_code == 403


def test_an_upload_is_served_to_who_knows_its_url(visitor, own):
    assert visitor.get(f"/gradio_api/file={own}").content == b"mine"


@pytest.mark.parametrize("kind", ["http", "https", "ftp", "gopher", "file"])
def test_no_url_inside_the_hosts_network_is_fetched(server, visitor, kind):
    port = server.address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", f"0x7f000001:{port}", "169.254.169.254"):
        inside = f"{kind}://{host}/health"
        for way in ("file", "proxy"):
            answer = visitor.get(f"/gradio_api/{way}={inside}")
            assert answer.status_code >= 400 and "ram-plus-lite" not in answer.text, inside
    if kind in ("http", "https"):
        worked, said = ask(visitor, "tag", photo(f"{kind}://127.0.0.1:{port}/favicon.ico"), 3)
        assert not worked


def test_symbolic_links_in_the_uploads_are_not_followed(visitor, secret, own):
    link = os.path.join(os.path.dirname(own), "link.txt")
    os.symlink(secret, link)
    assert SECRET not in visitor.get(f"/gradio_api/file={link}").text
    os.unlink(link)
    picture = os.path.join(os.path.dirname(own), "link.jpg")
    os.symlink(DOGS, picture)
    assert not ask(visitor, "tag", photo(picture), 3)[0]


@pytest.mark.parametrize("name", ["../../../up.txt", "/etc/cron.d/up", "..\\up.txt", "a/../../b.txt", "\0", ".", ".."])
def test_an_upload_stays_in_its_folder_whatever_its_name(server, visitor, own, name):
    folder = os.path.dirname(os.path.dirname(own))
    answer = visitor.post("/gradio_api/upload", files={"files": (name, b"content of an upload")})
    for path in answer.json() if answer.status_code == 200 else []:
        assert os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep), path
    assert visitor.get("/health").status_code == 200


@pytest.mark.parametrize(
    "disguise", [{}, {"meta": {"_type": "gradio.FileData"}}, {"meta": {"_type": "gradio.FileData"}, "is_stream": True}]
)
def test_no_image_of_the_host_is_tagged(visitor, disguise):
    for path in (str(DOGS), os.path.relpath(DOGS), f"file://{DOGS}"):
        worked, said = ask(visitor, "tag", {"path": path, "url": f"file://{DOGS}", **disguise}, 3)
        assert not worked and str(ROOT) not in str(said)


def test_further_endpoints_of_gradio_are_closed(visitor):
    for path in ("/monitoring", "/monitoring/summary", "/gradio_api/vibe-code", "/docs"):
        answer = visitor.get(path)
        assert answer.status_code >= 400 or "swagger" not in answer.text.lower()
        assert "def main" not in answer.text
    assert visitor.post("/gradio_api/vibe-edit", json={"prompt": "x"}).status_code >= 400
    assert visitor.post("/gradio_api/vibe-code", json={"code": "x"}).status_code >= 400
