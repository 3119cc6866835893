"""The functions of `keeptrusts_client.control_plane` for asyncio and trio: the same names, arguments, answers and errors."""

from __future__ import annotations

import anyio
import httpx

from . import _operations as operations
from ._exchange import Access, Call, Exchange, T, bytes_max_for, checked, request_of, too_large
from ._operations import Time
from .control_plane import TIMEOUT_S, export_bundle_zip
from .errors import ConnectionFailed, KeeptrustsError
from .models import DecisionEvent, Digest, EventPage, EvidenceBundle, PublicKey, VerificationResult

__all__ = [
    "build_evidence_bundle",
    "download_digest",
    "export_bundle_zip",
    "get_event",
    "get_public_key",
    "list_events",
    "verify_trail",
]


async def list_events(
    *,
    bearer_token: str,
    base_url: str,
    since: Time | None = None,
    until: Time | None = None,
    agent_id: str | None = None,
    filter: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109
) -> EventPage:
    exchange = operations.list_events(since, until, agent_id, filter, limit, cursor)
    return await _run(exchange, Access(base_url, bearer_token, timeout))


async def get_event(
    event_id: str,
    *,
    bearer_token: str,
    base_url: str,
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109
) -> DecisionEvent:
    return await _run(operations.get_event(event_id), Access(base_url, bearer_token, timeout))


async def get_public_key(
    *,
    bearer_token: str,
    base_url: str,
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109
) -> PublicKey:
    return await _run(operations.get_public_key(), Access(base_url, bearer_token, timeout))


async def download_digest(
    digest_id: str,
    *,
    bearer_token: str,
    base_url: str,
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109
) -> Digest:
    return await _run(operations.download_digest(digest_id), Access(base_url, bearer_token, timeout))


async def verify_trail(
    *,
    start_time: Time,
    end_time: Time | None = None,
    deep_verify: bool = False,
    known_checkpoint: str | None = None,
    bearer_token: str,
    base_url: str,
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109
    wait_seconds: float = 600.0,
) -> VerificationResult:
    exchange = operations.verify_trail(start_time, end_time, deep_verify, known_checkpoint, wait_seconds)
    return await _run(exchange, Access(base_url, bearer_token, timeout))


async def build_evidence_bundle(
    request_id: str,
    *,
    bearer_token: str,
    base_url: str,
    tree_size: int | None = None,
    timeout: float = TIMEOUT_S,  # noqa: ASYNC109
    wait_seconds: float = 90.0,
) -> EvidenceBundle:
    exchange = operations.build_evidence_bundle(request_id, tree_size, wait_seconds)
    return await _run(exchange, Access(base_url, bearer_token, timeout))


async def _run(exchange: Exchange[T], access: Access) -> T:
    async with httpx.AsyncClient(timeout=access.timeout, follow_redirects=False) as client:
        try:
            step = next(exchange)
            while True:
                if not isinstance(step, Call):
                    await anyio.sleep(step.seconds)
                    step = exchange.send(b"")
                    continue
                try:
                    body = await _answer(client, step, access)
                except KeeptrustsError as error:
                    step = exchange.throw(error)
                else:
                    step = exchange.send(body)
        except StopIteration as done:
            result: T = done.value
            return result


async def _answer(client: httpx.AsyncClient, call: Call, access: Access) -> bytes:
    try:
        response = await client.send(request_of(call, access), stream=True)
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > bytes_max_for(response):
                    raise too_large()
        finally:
            await response.aclose()
    except httpx.HTTPError as cause:
        raise ConnectionFailed(f"{call.method} {call.path}: {type(cause).__name__}: {cause}") from cause
    return checked(response, bytes(body))
