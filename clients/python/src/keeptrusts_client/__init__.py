"""Python client of Keeptrusts.

Two lanes in one package: governed inference through a gateway (`create_gateway_client` and its kin, the official `openai`
client), and, for trusted code on a server, events, trail and evidence of the control plane.
"""

from .automation import bootstrap_service_account, build_token_rotation_plan
from .bundle import verify_bundle
from .control_plane import (
    build_evidence_bundle,
    download_digest,
    export_bundle_zip,
    get_event,
    get_public_key,
    list_events,
    verify_trail,
)
from .errors import (
    AnswerRefused,
    ApiError,
    AuthenticationFailed,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    KeeptrustsError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
    VerificationUnfinished,
)
from .gateway import create_async_gateway_client, create_gateway_client, create_responses_client
from .headers import build_keeptrusts_headers, generate_traceparent

__all__ = [
    "AnswerRefused",
    "ApiError",
    "AuthenticationFailed",
    "Conflict",
    "ConnectionFailed",
    "InvalidRequest",
    "KeeptrustsError",
    "NotFound",
    "PermissionDenied",
    "RateLimited",
    "Unavailable",
    "VerificationUnfinished",
    "bootstrap_service_account",
    "build_evidence_bundle",
    "build_keeptrusts_headers",
    "build_token_rotation_plan",
    "create_async_gateway_client",
    "create_gateway_client",
    "create_responses_client",
    "download_digest",
    "export_bundle_zip",
    "generate_traceparent",
    "get_event",
    "get_public_key",
    "list_events",
    "verify_bundle",
    "verify_trail",
]
