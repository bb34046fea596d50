"""One file over https: streamed, resumed where it was cut, checked, and only then in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from contrast.data.checksum import file_sha256
from contrast.errors import DataError

TIMEOUT_S = 30
CHUNK_BYTES = 1 << 18
ATTEMPTS = 5

Progress = Callable[[int, int | None], None]
Opener = Callable[[Request], HTTPResponse]


class _OnlyHttps(HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not newurl.startswith("https://"):
            raise URLError(f"redirected to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_https(request: Request) -> HTTPResponse:
    """The response to a request; redirects are followed to https addresses only.

    Raises: OSError: no answer within `TIMEOUT_S`, or one that is an HTTP error.
    """
    if request.type != "https":
        raise URLError(f"{request.full_url} is not https")
    return build_opener(_OnlyHttps).open(request, timeout=TIMEOUT_S)


def download(
    url: str,
    target: Path,
    *,
    sha256: str,
    size: int | None = None,
    opener: Opener = open_https,
    on_progress: Progress | None = None,
) -> None:
    """Bring `url` to `target`; what was received before an interruption is kept and continued.

    Of several processes that want one file, one downloads and the others wait for it.

    Raises: ConnectionError: the server cannot be reached, refuses, or keeps cutting;
    OSError: the folder cannot be written;  DataError: the content has another checksum.
    """
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with FileLock(target.with_name(target.name + ".lock")):
        if target.is_file() and file_sha256(target) == sha256:
            return
        _receive(url, part, size, opener, on_progress)
        found = file_sha256(part)
        if found != sha256:
            part.unlink()
            raise DataError(
                f"{url} has other content than expected: SHA-256 {sha256} expected, got {found}\n"
                "Run again in case the transfer was damaged; if it stays so, the file has changed."
            )
        part.replace(target)


def _receive(
    url: str, part: Path, size: int | None, opener: Opener, on_progress: Progress | None
) -> None:
    for _ in range(ATTEMPTS):
        have = part.stat().st_size if part.exists() else 0
        try:
            response = opener(_request(url, have))
        except HTTPError as error:
            if error.code == 416 and have:  # nothing is left to send; the checksum decides
                return
            raise ConnectionError(f"the server answers {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            raise ConnectionError(getattr(error, "reason", None) or error) from error
        with response:
            if _append(response, part, have, size, on_progress):
                return
    raise ConnectionError(
        f"the connection was cut {ATTEMPTS} times, {part.stat().st_size} bytes are kept; "
        "run again to go on from there"
    )


def _request(url: str, have: int) -> Request:
    headers = {"User-Agent": "contrast", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    return Request(url, headers=headers)


def _append(
    response: HTTPResponse, part: Path, have: int, size: int | None, on_progress: Progress | None
) -> bool:
    """Write the body behind what is there; False where the connection was cut before its end."""
    resumed = have > 0 and response.status == 206  # 200: the server sends the whole file anew
    done = have if resumed else 0
    length = response.headers.get("Content-Length")
    total = done + int(length) if length else size
    with part.open("ab" if resumed else "wb") as file:
        for chunk in _chunks(response):
            file.write(chunk)
            done += len(chunk)
            if on_progress is not None:
                on_progress(done, total)
    return total is None or done >= total


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(CHUNK_BYTES):
            yield chunk
    except (HTTPException, OSError):
        return  # a cut is no failure: the next attempt asks for the rest
