"""A server on this machine that cuts, refuses and lies on request; the tests' way to it."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest

from contrast.data.sources import Source


class Server:
    """`files` by name; the body of each of the next `cuts` answers ends after that many bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cuts: list[int] = []
        self.ranges = True
        self.requests: list[str | None] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def port(self) -> int:
        return self.http.server_address[1]

    def source(self, name: str, content: bytes) -> Source:
        self.files[name] = content
        digest = hashlib.sha256(content).hexdigest()
        return Source(name, f"https://data.example/{name}", digest, len(content))

    def opener(self, request: Request):
        """Reach this server where the address says `https://data.example`."""
        local = request.full_url.replace("https://data.example", f"http://127.0.0.1:{self.port}")
        return urlopen(Request(local, headers=dict(request.headers)), timeout=5)

    def _handler(server) -> type:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers["Range"] if server.ranges else None
                server.requests.append(self.headers["Range"])
                content = server.files.get(self.path.lstrip("/"))
                if content is None:
                    return self.send_error(404)
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
                if start >= len(content) > 0 and wanted:
                    return self.send_error(416)
                body = content[start:]
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

            def log_message(self, *_: object) -> None: ...

        return Handler


@pytest.fixture
def server():
    served = Server()
    thread = threading.Thread(target=served.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    served.http.shutdown()
    served.http.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder and no folder of local copies."""
    monkeypatch.delenv("CONTRAST_DATA_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "contrast" / "data"
