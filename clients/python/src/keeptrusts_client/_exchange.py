"""Exchanges with the control plane, written once: what to ask and what an answer means, without saying who waits for it."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from .errors import AnswerRefused, Problem, error_for

T = TypeVar("T")

ANSWER_BYTES_MAX = 64 * 1_048_576
_PROBLEM_BYTES_MAX = 1_048_576


@dataclass(frozen=True)
class Access:
    """Where the control plane is and who asks. Does not show its token."""

    base_url: str
    bearer_token: str = field(repr=False)
    timeout: float

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("base_url must be the http or https address of a control plane")
        if not re.fullmatch(r"[\x21-\x7e]+", self.bearer_token):
            raise ValueError("bearer_token must be visible ASCII characters")

    @property
    def root(self) -> str:
        return re.sub(r"(?:/v1)?/*$", "", self.base_url)


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    seconds: float


#: Yields what it needs next and is sent the bytes of the answer, or nothing after a pause.
Exchange = Generator[Call | Pause, bytes, T]


def request_of(call: Call, access: Access) -> httpx.Request:
    headers = {
        "authorization": f"Bearer {access.bearer_token}",
        "accept": "application/json, application/problem+json, application/zip",
        **call.headers,
    }
    url = f"{access.root}{call.path}"
    if call.json is None:
        return httpx.Request(call.method, url, params=dict(call.params), headers=headers)
    return httpx.Request(call.method, url, params=dict(call.params), headers=headers, json=call.json)


def bytes_max_for(response: httpx.Response) -> int:
    return ANSWER_BYTES_MAX if response.is_success else _PROBLEM_BYTES_MAX


def checked(response: httpx.Response, body: bytes) -> bytes:
    """The body of a success; raises what the control plane said otherwise."""
    if response.is_success:
        return body
    if response.is_redirect:
        raise AnswerRefused(f"The control plane answered {response.status_code}, and a token is not sent elsewhere.")
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        problem = Problem(title=response.reason_phrase or "Failed", status=response.status_code)
    raise error_for(problem.model_copy(update={"status": response.status_code}), _retry_after(response))


def too_large() -> AnswerRefused:
    return AnswerRefused(f"The answer has more than {ANSWER_BYTES_MAX} bytes.")


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"[0-9]{1,9}", value) else None
