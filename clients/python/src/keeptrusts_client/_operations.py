"""The exchanges of each function of the control plane."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from ._exchange import Call, Exchange, Pause
from .errors import AnswerRefused, Conflict, VerificationUnfinished
from .models import (
    DecisionEvent,
    Digest,
    EventPage,
    EvidenceBundle,
    PublicKey,
    VerificationResult,
)

M = TypeVar("M", bound=BaseModel)
Time = str | datetime

_POLL_FIRST_S = 0.2
_POLL_MAX_S = 2.0


def list_events(
    since: Time | None,
    until: Time | None,
    agent_id: str | None,
    filter: str | None,
    limit: int | None,
    cursor: str | None,
) -> Exchange[EventPage]:
    params = {
        "since": _time(since),
        "until": _time(until),
        "agent_id": agent_id,
        "filter": filter,
        "limit": None if limit is None else str(limit),
        "cursor": cursor,
    }
    given = {name: value for name, value in params.items() if value is not None}
    return _read(EventPage, (yield Call("GET", "/v1/events", given)))


def get_event(event_id: str) -> Exchange[DecisionEvent]:
    return _read(DecisionEvent, (yield Call("GET", f"/v1/events/{_segment(event_id)}")))


def get_public_key() -> Exchange[PublicKey]:
    return _read(PublicKey, (yield Call("GET", "/v1/trail/public-key")))


def download_digest(digest_id: str) -> Exchange[Digest]:
    return _read(Digest, (yield Call("GET", f"/v1/trail/digests/{_segment(digest_id)}")))


class _Job(BaseModel):
    id: str
    state: str
    result: VerificationResult | None
    error: str | None


def verify_trail(
    start_time: Time, end_time: Time | None, deep_verify: bool, known_checkpoint: str | None, wait_seconds: float
) -> Exchange[VerificationResult]:
    asked = {
        "start_time": _time(start_time),
        "end_time": _time(end_time),
        "deep_verify": deep_verify,
        "known_checkpoint": known_checkpoint,
    }
    json = {name: value for name, value in asked.items() if value is not None}
    until = time.monotonic() + wait_seconds
    job = _read(_Job, (yield Call("POST", "/v1/trail/verify", json=json, headers={"idempotency-key": str(uuid4())})))
    pause = _POLL_FIRST_S
    while job.state in ("queued", "running"):
        if time.monotonic() >= until:
            raise VerificationUnfinished(f"Verification {job.id} is not done after {wait_seconds:g} seconds.")
        yield Pause(pause)
        pause = min(_POLL_MAX_S, pause * 1.5)
        job = _read(_Job, (yield Call("GET", f"/v1/trail/verifications/{_segment(job.id)}")))
    if job.result is None:
        raise VerificationUnfinished(f"Verification {job.id} is {job.state}: {job.error or 'without a reason'}")
    return job.result


def build_evidence_bundle(request_id: str, tree_size: int | None, wait_seconds: float) -> Exchange[EvidenceBundle]:
    path = f"/v1/evidence/{_segment(request_id)}"
    until = time.monotonic() + wait_seconds
    while True:
        try:
            answer = yield Call("GET", path, {} if tree_size is None else {"tree_size": str(tree_size)})
            break
        except Conflict as refused:
            # What no digest covers yet is signed at most once a minute.
            if refused.retry_after is None or time.monotonic() + refused.retry_after > until:
                raise
            yield Pause(refused.retry_after)
    bundle = _read(EvidenceBundle, answer)
    # Of the same checkpoint, so that both say the same.
    size = {"tree_size": bundle.checkpoint.split("\n")[1]}
    bundle._archive = yield Call("GET", f"{path}/bundle.zip", size)
    return bundle


class _Created(BaseModel):
    key: str


def create_token(body: dict[str, object]) -> Exchange[str]:
    headers = {"idempotency-key": str(uuid4())}
    return _read(_Created, (yield Call("POST", "/v1/tokens", json=body, headers=headers))).key


def _read(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as cause:
        # Without what stands there: it may be anybody's words.
        places = [".".join(map(str, error["loc"])) or "all of it" for error in cause.errors(include_input=False)]
    raise AnswerRefused(f"The answer is no {model.__name__.lstrip('_')}, see {', '.join(places[:5])}.")


def _time(value: Time | None) -> str | None:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("a datetime must say its time zone")
    return value.isoformat()


def _segment(value: str) -> str:
    if value in ("", ".", ".."):
        raise ValueError("an id cannot be empty or a dot")
    return quote(value, safe="")
