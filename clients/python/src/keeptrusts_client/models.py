"""What the control plane answers. Fields that a newer one adds are kept and can be read by their names."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

Verdict = Literal["allow", "redact", "block", "escalate"]
Capture = Literal["none", "redacted", "full"]


class Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Attempt(Answer):
    target_id: str
    provider: str
    started_at: datetime
    latency_ms: float
    status: int | None
    error: str | None


class Skipped(Answer):
    what: str
    why: str


class Coverage(Answer):
    rule: str
    rule_version: str
    bytes: int
    messages: int
    skipped: list[Skipped]


class PolicyResult(Answer):
    kind: str
    phase: Literal["input", "tool", "output"]
    verdict: Verdict
    reason_code: str
    coverage: Coverage
    latency_ms: float


class Tokens(Answer):
    input: int
    output: int
    cached: int
    reasoning: int


class Latency(Answer):
    total_ms: float
    upstream_ms: float | None
    overhead_us: float
    ttft_ms: float | None


class Units(Answer):
    unit: str
    quantity: int


class EventCostAttribution(Answer):
    """US dollars, exact to the nano-dollar; null where no price is known."""

    total_cost_usd: Decimal | None
    input_cost_usd: Decimal | None
    output_cost_usd: Decimal | None
    currency: str
    price_book_version: str | None
    price_status: Literal["priced", "estimated", "unknown"]
    source_spend_log_id: str | None
    units: list[Units]


class CacheUse(Answer):
    hit: bool
    avoided_cost_usd: Decimal | None


class Citation(Answer):
    citation_id: str
    source_type: str
    source_reference: str
    relevance_score: float | None
    token_contribution: int | None
    text_span: str | None


class Payload(Answer):
    request_sha256: str | None
    response_sha256: str | None
    request_bytes: int
    response_bytes: int
    capture: Capture
    commitment: Literal["plain", "salted"]
    request_captured_sha256: str | None
    response_captured_sha256: str | None


class DecisionEvent(Answer):
    """One governed request. Money is `Decimal`, times are aware `datetime`s."""

    event_id: str
    event_type: Literal["decision"]
    seq: int
    recorded_at: datetime
    timestamp: datetime
    request_id: str
    traceparent: str
    gateway_id: str
    gateway_seq: int
    org_id: str
    team_id: str | None
    user_id: str | None
    agent_id: str | None
    token_id: str | None
    token_name: str | None
    token_secret_id: str | None
    identity: Literal["verified", "asserted", "anonymous"]
    client_ip: str
    user_agent: str | None
    conversation_id: str | None
    verdict: Verdict
    reason_code: str
    policy_results: list[PolicyResult]
    config_id: str | None
    config_name: str | None
    config_version: str | None
    provider: str | None
    target_id: str | None
    model: str | None
    model_requested: str | None
    route: str
    api_shape: str
    status_code: int
    error_code: str | None
    stream: bool
    client_aborted: bool
    attempts: list[Attempt]
    tokens: Tokens | None
    latency: Latency
    event_cost_attribution: EventCostAttribution
    spend: dict[str, object] | None
    cache: CacheUse
    citations: list[Citation]
    escalation_id: str | None
    payload: Payload
    degraded: str | None


class EventPage(Answer):
    """Newest first. `next_cursor` is given to the next call as `cursor`; null at the end."""

    # The answer has the same list as `events` once more.
    model_config = ConfigDict(extra="ignore")

    items: list[DecisionEvent]
    next_cursor: str | None
    complete: bool
    scanned_until: datetime | None

    @property
    def events(self) -> list[DecisionEvent]:
        return self.items


class TrailKey(Answer):
    """`fingerprint` is what is compared over another way than this one, and pinned."""

    kid: str
    public_key: str
    pem: str
    fingerprint: str
    not_before: datetime
    not_after: datetime | None
    predecessor_kid: str | None
    predecessor_signature: str | None


class PublicKey(TrailKey):
    origin: str
    note_key: str
    history: list[TrailKey]


class Digest(Answer):
    """`body` is the exact text that is signed; the fields beside it are what it says."""

    digest_id: str
    number: int
    period_start: datetime
    period_end: datetime
    seq_start: int
    seq_end: int
    event_count: int
    tree_size: int
    root_hash: str
    oldest_event_time: datetime | None
    newest_event_time: datetime | None
    prev_digest_id: str | None
    prev_digest_sha256: str | None
    prev_signature: str | None
    kid: str
    alg: str
    v: int
    origin: str
    org: str
    storage_key: str
    body: str
    signature: str
    sha256: str
    checkpoint: str
    created_at: datetime


class Finding(Answer):
    state: str
    severity: Literal["error", "info"]
    seq: int | None = None
    digest_id: str | None = None
    message: str


class TimeRange(Answer):
    start_time: datetime
    end_time: datetime


class VerificationResult(Answer):
    chain_integrity: Literal["valid", "invalid", "incomplete", "no_data"]
    requested: TimeRange
    found: TimeRange | None
    digests_verified: int
    records_covered: int
    records_verified: int
    payloads_verified: int
    tree_size: int
    root_hash: str | None
    findings: list[Finding]
    findings_more: int
    notes: list[str]
    duration_ms: float


class EvidenceEvent(Answer):
    seq: int
    leaf_index: int
    line: str
    proof: list[str]


class EvidencePayload(Answer):
    event_id: str
    part: Literal["request", "response"]
    state: Literal["kept", "erased"]
    salt: str | None
    content_sha256: str
    file: str | None


class EvidenceDigest(Answer):
    digest_id: str
    number: int
    body: str
    signature: str
    proof: list[str]


class EvidenceKey(Answer):
    kid: str
    public_key: str
    not_before: str
    not_after: str | None
    predecessor_kid: str | None
    predecessor_signature: str | None


class EvidenceBundle(Answer):
    """What proves the records of one request; `export_bundle_zip` gives it as an archive."""

    version: Literal[1]
    org: str
    origin: str
    request_id: str
    events: list[EvidenceEvent]
    payloads: list[EvidencePayload]
    digests: list[EvidenceDigest]
    checkpoint: str
    keys: list[EvidenceKey]
    _archive: bytes = PrivateAttr(default=b"")
