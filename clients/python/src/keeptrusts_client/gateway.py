"""Clients of the official `openai` package that speak to a Keeptrusts gateway."""

from __future__ import annotations

from typing import Any

from openai import AsyncOpenAI, OpenAI
from openai.resources.responses import Responses

from .headers import build_keeptrusts_headers


def create_gateway_client(*, base_url: str, api_key: str, agent_id: str | None = None, **options: Any) -> OpenAI:
    """An `openai.OpenAI` whose requests are governed.

    `base_url` is the gateway's, with `/v1`; `api_key` a gateway key (`kt_gk_...`); `agent_id` is sent with every request and
    stands on its record. `options` are those of `openai.OpenAI`, such as `timeout`, `max_retries` and `http_client`.
    Refusals of policies, keys and budgets are not repeated by it, since the gateway answers them with
    `x-should-retry: false`.
    """
    return OpenAI(base_url=base_url, api_key=api_key, **_with_agent(options, agent_id))


def create_async_gateway_client(*, base_url: str, api_key: str, agent_id: str | None = None, **options: Any) -> AsyncOpenAI:
    """As `create_gateway_client`, an `openai.AsyncOpenAI`."""
    return AsyncOpenAI(base_url=base_url, api_key=api_key, **_with_agent(options, agent_id))


def create_responses_client(*, base_url: str, api_key: str, agent_id: str | None = None, **options: Any) -> Responses:
    """The Responses API of such a client: `create_responses_client(...).create(model=..., input=...)`."""
    return create_gateway_client(base_url=base_url, api_key=api_key, agent_id=agent_id, **options).responses


def _with_agent(options: dict[str, Any], agent_id: str | None) -> dict[str, Any]:
    headers = {**build_keeptrusts_headers(agent_id=agent_id), **(options.get("default_headers") or {})}
    return {**options, "default_headers": headers}
