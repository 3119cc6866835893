from __future__ import annotations

import pytest

from keeptrusts_client import bootstrap_service_account, build_token_rotation_plan

PAIR = {"env_var": "KEEPTRUSTS_API_TOKEN", "current_token": "kt_ak_old_secret", "next_token": "kt_ak_new_secret"}


def test_a_plan_shows_no_token() -> None:
    plan = build_token_rotation_plan([PAIR])
    said = f"{plan!r} {plan.steps}"
    assert "secret" not in said
    assert "KEEPTRUSTS_API_TOKEN" in said


def test_all_variables_get_their_next_token_or_none_does() -> None:
    plan = build_token_rotation_plan([PAIR, {"env_var": "B", "current_token": "b1", "next_token": "b2"}])
    half = {"KEEPTRUSTS_API_TOKEN": "kt_ak_old_secret", "B": "something else"}
    with pytest.raises(ValueError, match="B does not hold"):
        plan.apply(half)
    assert half["KEEPTRUSTS_API_TOKEN"] == "kt_ak_old_secret"
    environ = {"KEEPTRUSTS_API_TOKEN": "kt_ak_old_secret", "B": "b1"}
    plan.apply(environ)
    plan.apply(environ)
    assert environ == {"KEEPTRUSTS_API_TOKEN": "kt_ak_new_secret", "B": "b2"}


@pytest.mark.parametrize(
    "rotations",
    [
        [],
        [{"env_var": "A", "current_token": "x"}],
        [{**PAIR, "more": "x"}],
        [{**PAIR, "next_token": PAIR["current_token"]}],
        [{**PAIR, "next_token": ""}],
        [{**PAIR, "env_var": "A=B"}],
        [PAIR, PAIR],
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(rotations: list[dict[str, str]]) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        build_token_rotation_plan(rotations)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("name", "permissions"), [("", ["events:read"]), ("a", []), ("a", ["everything"]), ("a", ["a:b:c"])])
def test_a_service_account_that_cannot_be_is_refused(name: str, permissions: list[str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        bootstrap_service_account(name, permissions)
