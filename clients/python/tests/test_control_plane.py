from __future__ import annotations

from datetime import datetime, timezone

import httpx
import pytest

from conftest import Product
from keeptrusts_client import (
    AnswerRefused,
    AuthenticationFailed,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    aio,
    bootstrap_service_account,
    create_gateway_client,
    get_event,
    list_events,
    models,
    verify_trail,
)


@pytest.fixture(scope="module", autouse=True)
def _some_calls(product: Product) -> None:
    client = create_gateway_client(base_url=f"{product.gateway}/v1", api_key=product.gateway_key, agent_id="agent-pages")
    for _ in range(5):
        client.chat.completions.create(model="gpt-5.4-mini", messages=[{"role": "user", "content": "Say hello."}])
    assert len(product.events(5, agent_id="agent-pages")) == 5


def test_pages_lead_through_all_events_once(product: Product) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = list_events(agent_id="agent-pages", limit=2, cursor=cursor, **product.access)
        seen += [event.event_id for event in page.events]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert list_events(agent_id="agent-of-nobody", **product.access).events == []


def test_times_are_read_as_datetimes_and_given_as_such(product: Product) -> None:
    [event] = list_events(agent_id="agent-pages", limit=1, **product.access).events
    assert event.timestamp.tzinfo is not None
    assert list_events(agent_id="agent-pages", until=event.timestamp.replace(year=2020), **product.access).events == []
    assert list_events(since=datetime(2999, 1, 1, tzinfo=timezone.utc), **product.access).events == []
    with pytest.raises(ValueError, match="time zone"):
        list_events(since=datetime(2026, 1, 1), **product.access)


@pytest.mark.anyio
async def test_asyncio_gives_the_same_answers(product: Product) -> None:
    page = await aio.list_events(agent_id="agent-pages", **product.access)
    assert page == list_events(agent_id="agent-pages", **product.access)
    assert await aio.get_event(page.events[0].event_id, **product.access) == page.events[0]
    product.sign()
    bundle = await aio.build_evidence_bundle(page.events[0].request_id, **product.access)
    assert aio.export_bundle_zip(bundle).startswith(b"PK")
    assert (await aio.verify_trail(start_time="1h", deep_verify=True, **product.access)).chain_integrity != "invalid"
    assert (await aio.get_public_key(**product.access)).fingerprint
    assert (await aio.download_digest(bundle.digests[0].digest_id, **product.access)).number >= 0


def test_refusals_carry_the_problem_document(product: Product) -> None:
    with pytest.raises(NotFound) as unknown:
        get_event("evt_019a6f0e1c2d7000a1b2c3d4e5f60718", **product.access)
    assert (unknown.value.status, unknown.value.code) == (404, "not_found")
    assert unknown.value.problem.request_id
    with pytest.raises(InvalidRequest) as wrong:
        list_events(filter="nothing==", **product.access)
    assert wrong.value.problem.detail
    with pytest.raises(InvalidRequest):
        list_events(limit=100_000, **product.access)
    with pytest.raises(InvalidRequest):
        verify_trail(start_time="yesterday", **product.access)


def test_a_token_is_in_no_error_and_no_repr(product: Product) -> None:
    stranger = f"{product.access_key[:-1]}{'a' if product.access_key[-1] != 'a' else 'b'}"
    with pytest.raises(AuthenticationFailed) as refused:
        list_events(bearer_token=stranger, base_url=product.control_plane)
    assert stranger not in repr(refused.value)
    with pytest.raises(ConnectionFailed) as away:
        list_events(bearer_token=stranger, base_url="http://127.0.0.1:1")
    assert stranger not in repr(away.value)
    with pytest.raises(ValueError, match="ASCII") as split:
        list_events(bearer_token=f"{stranger}\r\nx: y", base_url=product.control_plane)
    assert stranger not in str(split.value)


@pytest.mark.parametrize("base_url", ["", "localhost:3000", "ftp://a", "http://user:secret@a", "http://a?b=c"])
def test_what_is_no_address_is_refused_before_a_token_is_sent(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        list_events(bearer_token="kt_ak_x", base_url=base_url)


def test_the_address_may_have_the_version_or_not(product: Product) -> None:
    for suffix in ("", "/", "/v1", "/v1/"):
        access = {"bearer_token": product.access_key, "base_url": product.control_plane + suffix}
        assert list_events(agent_id="agent-pages", **access).events


@pytest.mark.parametrize("event_id", ["", ".", ".."])
def test_an_id_never_leads_to_another_address(event_id: str, product: Product) -> None:
    with pytest.raises(ValueError, match="id"):
        get_event(event_id, **product.access)
    with pytest.raises((NotFound, InvalidRequest)):
        get_event("../whoami", **product.access)


def test_a_page_of_somebody_else_is_no_answer(product: Product) -> None:
    with pytest.raises((AnswerRefused, NotFound)):
        list_events(bearer_token=product.access_key, base_url=f"{product.gateway}")


def test_a_service_account_may_do_what_it_was_made_for_and_no_more(product: Product) -> None:
    key = bootstrap_service_account("sdk-rollout", ["events:read", "agents:write"]).create(**product.access)
    assert list_events(bearer_token=key, base_url=product.control_plane).events
    with pytest.raises(PermissionDenied):
        verify_trail(start_time="1h", bearer_token=key, base_url=product.control_plane)
    with pytest.raises(InvalidRequest):
        bootstrap_service_account("odd", ["no_such:thing"]).create(**product.access)


def test_models_have_every_field_that_the_contract_has(product: Product) -> None:
    paths = httpx.get(f"{product.control_plane}/v1/openapi.json").raise_for_status().json()["paths"]

    def answer(path: str, method: str, status: str) -> dict[str, object]:
        return paths[path][method]["responses"][status]["content"]["application/json"]["schema"]

    def compare(model: type[models.Answer], schema: dict, where: str) -> None:
        assert set(model.model_fields) == set(schema["properties"]) - ({"events"} if model is models.EventPage else set()), (
            where
        )
        for name, field in model.model_fields.items():
            inner = _object_in(schema["properties"][name])
            nested = _model_in(field.annotation)
            if nested is not None:
                assert inner is not None, f"{where}.{name}"
                compare(nested, inner, f"{where}.{name}")

    compare(models.DecisionEvent, answer("/v1/events/{id}", "get", "200"), "event")
    compare(models.EventPage, answer("/v1/events", "get", "200"), "page")
    compare(models.PublicKey, answer("/v1/trail/public-key", "get", "200"), "key")
    compare(models.Digest, answer("/v1/trail/digests/{id}", "get", "200"), "digest")
    compare(models.EvidenceBundle, answer("/v1/evidence/{request_id}", "get", "200"), "evidence")
    result = answer("/v1/trail/verifications/{id}", "get", "200")["properties"]["result"]
    compare(models.VerificationResult, _object_in(result), "verification")


def _object_in(schema: dict) -> dict | None:
    if "properties" in schema:
        return schema
    inner = [*schema.get("anyOf", []), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    return next((found for one in inner if (found := _object_in(one)) is not None), None)


def _model_in(annotation: object) -> type[models.Answer] | None:
    if isinstance(annotation, type) and issubclass(annotation, models.Answer):
        return annotation
    arguments = getattr(annotation, "__args__", ())
    return next((found for one in arguments if (found := _model_in(one)) is not None), None)
