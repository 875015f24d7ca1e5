"""A server on this machine that speaks the hub's protocol for files, and breaks where it is told to."""

import base64
import hashlib
import http.server
import json
import threading
from contextlib import contextmanager

from ram.checkpoints.registry import HubFile

FILE = HubFile("someone/some-model", "weights.pth")
PATH = "/someone/some-model/resolve/main/weights.pth"
"""Path of that file on the hub."""
COMMIT = "c" * 40


class Hub:
    """Files by path; ``breaks`` are the bytes after which coming answers end; ``asked`` holds method, path, range."""

    def __init__(self, files):
        self.files, self.breaks, self.asked = dict(files), [], []
        self.digests, self.down = {}, False

    def about(self, path):
        """Status and document of a question about a repository: its commit, or its files."""
        repository = path.split("?")[0].removeprefix("/api/models/").rpartition("/revision/")[0]
        repository = repository or path.removeprefix("/api/models/").rpartition("/tree/")[0]
        start = f"/{repository}/resolve/main/"
        files = {name.removeprefix(start): content for name, content in self.files.items() if name.startswith(start)}
        if self.down or not files:
            return 503 if self.down else 404, {"error": "Repository not found"}
        if "/tree/" in path:
            return 200, [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
        return 200, {"id": repository, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}

    def take(self, path, body):
        """Status and document of a change: a new repository, or a commit of files, which are in it as they are."""
        if self.down:
            return 403, {"error": "You may not write here"}
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            return 200, {"url": f"{self.url}/{name}", "id": name, "name": name}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        repository = path.removeprefix("/api/models/").rpartition("/")[0].rpartition("/")[0]
        if "/preupload/" in path:
            files = [{"path": file["path"], "uploadMode": "regular"} for file in json.loads(body)["files"]]
            return 200, {"files": [{**file, "shouldIgnore": False} for file in files]}
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                name, content = line["value"]["path"], base64.b64decode(line["value"]["content"])
                self.files[f"/{repository}/resolve/main/{name}"] = content
        url = f"{self.url}/{repository}/commit/{COMMIT}"
        return 200, {"commitUrl": url, "commitOid": COMMIT, "hookOutput": ""}

    def digest(self, path):
        path = path.replace(f"/resolve/{COMMIT}/", "/resolve/main/")
        return self.digests.get(path) or hashlib.sha256(self.files[path]).hexdigest()


@contextmanager
def serving(files):
    hub = Hub(files)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            if self.path.startswith("/api/"):
                return self.answer_json(*hub.about(self.path))
            wanted = self.headers.get("Range")
            hub.asked.append((self.command, self.path, wanted))
            content = hub.files.get(self.path.replace(f"/resolve/{COMMIT}/", "/resolve/main/"))
            if hub.down or content is None:
                self.send_response(503 if hub.down else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            part = content[start:]
            self.send_response(206 if wanted else 200)
            self.send_header("ETag", f'"{hub.digest(self.path)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(part)))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if body:
                end = hub.breaks.pop(0) if hub.breaks else None
                self.wfile.write(part[:end])
                if end is not None:
                    hub.down = True  # until the test says otherwise
                    self.close_connection = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hub.asked.append((self.command, self.path, None))
            self.answer_json(*hub.take(self.path, body))

        def answer_json(self, status, document):
            content = json.dumps(document).encode()
            self.send_response(status)
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *what):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
