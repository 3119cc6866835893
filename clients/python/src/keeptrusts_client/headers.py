"""The headers by which a request is followed from its caller through the gateway to its record."""

from __future__ import annotations

import re
import secrets

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:/+=@-]{1,128}")
_AGENT_ID = re.compile(r"[\x20-\x7e]{1,200}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def generate_traceparent() -> str:
    """A new `traceparent` (W3C Trace Context, version 00), sampled."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    # All zeros are no id; once in 2**64 that is what chance gives.
    return f"00-{trace}-{span}-01" if int(trace, 16) and int(span, 16) else generate_traceparent()


def build_keeptrusts_headers(
    *, request_id: str | None = None, agent_id: str | None = None, traceparent: str | None = None
) -> dict[str, str]:
    """`x-request-id`, `x-keeptrusts-agent-id` and `traceparent`, those that are given.

    Raises ValueError for what the gateway would not take over.
    """
    given = (
        ("x-request-id", request_id, _REQUEST_ID, "1 to 128 of A-Z a-z 0-9 _ . : / + = @ -"),
        ("x-keeptrusts-agent-id", agent_id, _AGENT_ID, "1 to 200 printable ASCII characters"),
        ("traceparent", traceparent, _TRACEPARENT, "a W3C traceparent of version 00"),
    )
    headers: dict[str, str] = {}
    for name, value, form, words in given:
        if value is None:
            continue
        if not form.fullmatch(value):
            raise ValueError(f"{name} must be {words}")
        headers[name] = value
    return headers
