"""The control plane, for trusted code on a server: its bearer token reads what everybody asked.

Every function takes `bearer_token` (an access key, `kt_ak_...`), `base_url` (with or without `/v1`) and `timeout` (seconds
without a byte), and raises an error of `keeptrusts_client.errors`. `keeptrusts_client.aio` has the same for asyncio.
"""

from __future__ import annotations

import time

import httpx

from . import _operations as operations
from ._exchange import Access, Call, Exchange, T, bytes_max_for, checked, request_of, too_large
from ._operations import Time
from .errors import ConnectionFailed, KeeptrustsError
from .models import DecisionEvent, Digest, EventPage, EvidenceBundle, PublicKey, VerificationResult

TIMEOUT_S = 30.0


def list_events(
    *,
    bearer_token: str,
    base_url: str,
    since: Time | None = None,
    until: Time | None = None,
    agent_id: str | None = None,
    filter: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    timeout: float = TIMEOUT_S,
) -> EventPage:
    """One page of decision events, newest first.

    Times are RFC 3339, how long ago (`24h`, `7d`), or aware datetimes. `filter` is the grammar of the console and of `kt`, such
    as `verdict=block model~gpt`. `limit` is 1 to 200, 50 unless stated.
    """
    exchange = operations.list_events(since, until, agent_id, filter, limit, cursor)
    return _run(exchange, Access(base_url, bearer_token, timeout))


def get_event(event_id: str, *, bearer_token: str, base_url: str, timeout: float = TIMEOUT_S) -> DecisionEvent:
    """One decision event, with its cost and citations."""
    return _run(operations.get_event(event_id), Access(base_url, bearer_token, timeout))


def get_public_key(*, bearer_token: str, base_url: str, timeout: float = TIMEOUT_S) -> PublicKey:
    """The key that signs the trail, and all before it. Compare its fingerprint with one that you were given another way."""
    return _run(operations.get_public_key(), Access(base_url, bearer_token, timeout))


def download_digest(digest_id: str, *, bearer_token: str, base_url: str, timeout: float = TIMEOUT_S) -> Digest:
    """A signed digest: what one period has added to the trail."""
    return _run(operations.download_digest(digest_id), Access(base_url, bearer_token, timeout))


def verify_trail(
    *,
    start_time: Time,
    end_time: Time | None = None,
    deep_verify: bool = False,
    known_checkpoint: str | None = None,
    bearer_token: str,
    base_url: str,
    timeout: float = TIMEOUT_S,
    wait_seconds: float = 600.0,
) -> VerificationResult:
    """Lets the control plane verify a range of its trail, and waits for the result.

    `chain_integrity` is `valid`, `invalid`, `incomplete` or `no_data`. Deep reads every record again. Only with a checkpoint
    that was kept elsewhere is a lost tail, a restored backup or a fork found. A server that hides something could hide it here
    too: what proves something to a stranger is `verify_bundle`.

    Raises VerificationUnfinished when it fails or takes longer than `wait_seconds`.
    """
    exchange = operations.verify_trail(start_time, end_time, deep_verify, known_checkpoint, wait_seconds)
    return _run(exchange, Access(base_url, bearer_token, timeout))


def build_evidence_bundle(
    request_id: str,
    *,
    bearer_token: str,
    base_url: str,
    tree_size: int | None = None,
    timeout: float = TIMEOUT_S,
    wait_seconds: float = 90.0,
) -> EvidenceBundle:
    """What proves the records of one request, without content.

    Records that no digest covers yet are signed first, which may take a minute: for so long it waits. That a bundle was taken
    stands in the activity.
    """
    exchange = operations.build_evidence_bundle(request_id, tree_size, wait_seconds)
    return _run(exchange, Access(base_url, bearer_token, timeout))


def export_bundle_zip(bundle: EvidenceBundle) -> bytes:
    """The bundle as the archive that `kt verify`, the page /verify and `verify_bundle` check offline."""
    if bundle._archive == b"":
        raise KeeptrustsError("Only a bundle that build_evidence_bundle has fetched has an archive.")
    return bundle._archive


def _run(exchange: Exchange[T], access: Access) -> T:
    with httpx.Client(timeout=access.timeout, follow_redirects=False) as client:
        try:
            step = next(exchange)
            while True:
                if not isinstance(step, Call):
                    time.sleep(step.seconds)
                    step = exchange.send(b"")
                    continue
                try:
                    body = _answer(client, step, access)
                except KeeptrustsError as error:
                    step = exchange.throw(error)
                else:
                    step = exchange.send(body)
        except StopIteration as done:
            result: T = done.value
            return result


def _answer(client: httpx.Client, call: Call, access: Access) -> bytes:
    try:
        response = client.send(request_of(call, access), stream=True)
        try:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > bytes_max_for(response):
                    raise too_large()
        finally:
            response.close()
    except httpx.HTTPError as cause:
        raise ConnectionFailed(f"{call.method} {call.path}: {type(cause).__name__}: {cause}") from cause
    return checked(response, bytes(body))
