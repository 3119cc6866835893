"""What a stranger pastes from the quickstart works as printed: only addresses, keys and ids are theirs."""

from __future__ import annotations

from decimal import Decimal

from conftest import Product
from keeptrusts_client import (
    bootstrap_service_account,
    build_evidence_bundle,
    build_keeptrusts_headers,
    build_token_rotation_plan,
    create_gateway_client,
    download_digest,
    export_bundle_zip,
    generate_traceparent,
    get_event,
    get_public_key,
    list_events,
    verify_trail,
)


def test_a_governed_request_is_found_with_what_it_cost_and_proven(product: Product) -> None:
    client = create_gateway_client(
        base_url=f"{product.gateway}/v1",
        api_key=product.gateway_key,
        agent_id="agent-finance-assistant",
    )

    headers = build_keeptrusts_headers(
        traceparent=generate_traceparent(),
    )
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-5.4-mini-mini",
        messages=[{"role": "user", "content": "Summarize today's policy checks."}],
        extra_headers=headers,
    )
    response = raw.parse()
    assert response.choices[0].message.content

    product.events(1, agent_id="agent-finance-assistant")
    result = list_events(
        since="2026-05-31T00:00:00Z",
        agent_id="agent-finance-assistant",
        bearer_token=product.access_key,
        base_url=product.control_plane,
    )

    first_event = result.events[0]
    assert first_event.traceparent == headers["traceparent"]
    assert first_event.request_id == raw.headers["x-request-id"]
    assert first_event.event_cost_attribution.total_cost_usd in (None, Decimal("0"))
    assert first_event.event_cost_attribution.source_spend_log_id is None

    detail = get_event(
        first_event.event_id,
        bearer_token=product.access_key,
        base_url=product.control_plane,
    )
    assert detail == first_event
    assert len(detail.citations) == 0

    product.sign()
    bundle = build_evidence_bundle(
        first_event.request_id,
        bearer_token=product.access_key,
        base_url=product.control_plane,
    )
    archive = export_bundle_zip(bundle)
    assert archive.startswith(b"PK")

    key = get_public_key(
        bearer_token=product.access_key,
        base_url=product.control_plane,
    )
    digest = download_digest(
        bundle.digests[0].digest_id,
        bearer_token=product.access_key,
        base_url=product.control_plane,
    )
    verification = verify_trail(
        start_time="2026-05-31T00:00:00Z",
        end_time="2026-05-31T23:59:59Z",
        deep_verify=False,
        bearer_token=product.access_key,
        base_url=product.control_plane,
    )
    assert key.kid == digest.kid
    assert digest.storage_key.endswith(f"{digest.digest_id}.json")
    assert verification.chain_integrity == "no_data"


def test_automation_is_declared_without_a_token() -> None:
    service_account = bootstrap_service_account("sdk-rollout", ["events:read", "agents:write"])
    rotation_plan = build_token_rotation_plan(
        [{"env_var": "KEEPTRUSTS_API_TOKEN", "current_token": "old", "next_token": "new"}]
    )
    assert service_account.permissions == ("events:read", "agents:write")
    assert len(rotation_plan.steps) == 3
