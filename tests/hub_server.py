"""A server on this machine that speaks the hub's protocol for files, and breaks where it is told to."""

import hashlib
import http.server
import threading
from contextlib import contextmanager

from ram.checkpoints.registry import HubFile

FILE = HubFile("someone/some-model", "weights.pth")
PATH = "/someone/some-model/resolve/main/weights.pth"
"""Path of that file on the hub."""


class Hub:
    """Files by path; ``breaks`` are the bytes after which coming answers end; ``asked`` holds method, path, range."""

    def __init__(self, files):
        self.files, self.breaks, self.asked = dict(files), [], []
        self.digests, self.down = {}, False

    def digest(self, path):
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
            wanted = self.headers.get("Range")
            hub.asked.append((self.command, self.path, wanted))
            content = hub.files.get(self.path)
            if hub.down or content is None:
                self.send_response(503 if hub.down else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            part = content[start:]
            self.send_response(206 if wanted else 200)
            self.send_header("ETag", f'"{hub.digest(self.path)}"')
            self.send_header("X-Repo-Commit", "c" * 40)
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
