"""One installation for all tests: the built product, on a data directory and ports of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from keeptrusts_client import list_events, models

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery staple"
READY_WITHIN_S = 120


@dataclass(frozen=True)
class Product:
    control_plane: str
    gateway: str
    gateway_key: str
    access_key: str

    def events(self, count: int, **asked: str) -> list[models.DecisionEvent]:
        """Records reach the control plane a moment after their answers."""
        deadline = time.monotonic() + 10
        while len(found := list_events(**asked, **self.access).events) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def sign(self) -> None:
        """Covers what is recorded by a digest now, which otherwise happens at most once a minute."""
        headers = {"authorization": f"Bearer {self.access_key}"}
        httpx.post(f"{self.control_plane}/v1/trail/digests", json={}, headers=headers, timeout=30).raise_for_status()

    @property
    def access(self) -> dict[str, str]:
        return {"bearer_token": self.access_key, "base_url": self.control_plane}


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    console_port, gateway_port = _free_ports()
    with tempfile.TemporaryDirectory(prefix="keeptrusts-python-") as data, tempfile.TemporaryFile("w+") as said:
        environment = {
            **os.environ,
            "KEEPTRUSTS_DATA_DIR": data,
            "KEEPTRUSTS_ADMIN_PASSWORD": PASSWORD,
            "PORT": str(console_port),
            "KEEPTRUSTS_GATEWAY_PORT": str(gateway_port),
        }
        command = [str(ROOT / "node_modules/.bin/node"), str(ROOT / "dist/start.mjs")]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT)
        try:
            banner = _banner(process, said)
            control_plane = f"http://localhost:{console_port}"
            gateway_key = re.search(r"kt_gk_\S+", banner)
            assert gateway_key is not None, banner
            yield Product(control_plane, f"http://localhost:{gateway_port}", gateway_key[0], _access_key(control_plane))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _banner(process: subprocess.Popen[bytes], said) -> str:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        said.seek(0)
        text = said.read()
        if "Keeptrusts is ready" in text and "Ctrl-C" in text:
            return text
        if process.poll() is not None:
            raise RuntimeError(f"The product ended with {process.returncode}:\n{text}")
        time.sleep(0.1)
    raise RuntimeError(f"The product is not ready:\n{text}")


def _access_key(control_plane: str) -> str:
    with httpx.Client(base_url=control_plane) as client:
        session = client.post("/v1/sessions", json={"email": "admin@localhost", "password": PASSWORD}).raise_for_status()
        permissions = ["events:read", "trail:read", "trail:verify", "trail:write", "tokens:write", "agents:write"]
        wanted = {"name": "python-tests", "token_type": "access", "permissions": permissions}
        headers = {"authorization": f"Bearer {session.json()['session_token']}"}
        created = client.post("/v1/tokens", json=wanted, headers=headers).raise_for_status()
        return created.json()["key"]
