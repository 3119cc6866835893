"""What a control plane that is none may do: lead elsewhere, talk without end, or make something up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keeptrusts_client import AnswerRefused, ConnectionFailed, Unavailable, aio, list_events

seen: list[tuple[str, str | None]] = []


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        seen.append((self.path, self.headers.get("authorization")))
        kind = self.path.split("/")[1]
        if kind == "redirect":
            self.send_response(302)
            self.send_header("location", "/elsewhere")
            self.end_headers()
        elif kind == "endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 1_048_576)
            except OSError:
                pass
        elif kind == "torn":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b"{")
        elif kind == "html":
            self._answer(200, b"<html>")
        elif kind == "secret":
            self._answer(200, b'{"items": [{"event_id": "somebody said this"}]}')
        else:
            self._answer(502, b"Bad gateway")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


CASES = [
    ("redirect", AnswerRefused),
    ("endless", AnswerRefused),
    ("torn", ConnectionFailed),
    ("html", AnswerRefused),
    ("secret", AnswerRefused),
    ("broken", Unavailable),
]


@pytest.mark.parametrize(("kind", "error"), CASES)
def test_each_is_an_error_of_this_package(kind: str, error: type[Exception], stranger: str) -> None:
    seen.clear()
    with pytest.raises(error) as raised:
        list_events(bearer_token="kt_ak_x", base_url=f"{stranger}/{kind}")
    assert "somebody said this" not in str(raised.value)
    # Nothing is followed to another address, nor asked again.
    assert seen == [(f"/{kind}/v1/events", "Bearer kt_ak_x")]


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "error"), CASES)
async def test_with_asyncio_too(kind: str, error: type[Exception], stranger: str) -> None:
    with pytest.raises(error):
        await aio.list_events(bearer_token="kt_ak_x", base_url=f"{stranger}/{kind}")
