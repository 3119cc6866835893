"""Declarations for automation: who a program is to be, and how secrets are replaced without a gap."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field

from . import _operations as operations
from ._exchange import Access
from .control_plane import TIMEOUT_S, _run

_PERMISSION = re.compile(r"[a-z_]{1,40}:[a-z_]{1,40}")
_ENV_VAR = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


@dataclass(frozen=True)
class ServiceAccount:
    """A program's identity: an access key of its own with these permissions and no other."""

    name: str
    permissions: tuple[str, ...]
    expires_at: str | None = None

    def create(self, *, bearer_token: str, base_url: str, timeout: float = TIMEOUT_S) -> str:
        """Creates the access key and returns its secret, which is shown this once.

        `bearer_token` must hold all of the permissions and `tokens:write`. Permissions that the control plane does not know are
        refused with InvalidRequest.
        """
        body: dict[str, object] = {
            "name": self.name,
            "token_type": "access",
            "purpose": "integration",
            "permissions": list(self.permissions),
        }
        if self.expires_at is not None:
            body["expires_at"] = self.expires_at
        return _run(operations.create_token(body), Access(base_url, bearer_token, timeout))


def bootstrap_service_account(name: str, permissions: Iterable[str], *, expires_at: str | None = None) -> ServiceAccount:
    """Declares a service account; `create` on the result makes it. Nothing is sent before that.

    `permissions` are named `resource:action`, such as `events:read`. Raises ValueError for a name or permission that cannot be
    one.
    """
    wanted = tuple(dict.fromkeys(permissions))
    if not name.strip() or len(name) > 120:
        raise ValueError("a service account has a name of at most 120 characters")
    if not wanted:
        raise ValueError("a service account without permissions can do nothing")
    for permission in wanted:
        if not _PERMISSION.fullmatch(permission):
            raise ValueError(f"{permission!r} is no permission: they are named resource:action")
    return ServiceAccount(name.strip(), wanted, expires_at)


@dataclass(frozen=True)
class TokenRotation:
    """One variable that holds a token. Shows tokens by a few digits of their SHA-256."""

    env_var: str
    current_token: str = field(repr=False)
    next_token: str = field(repr=False)

    @property
    def current_fingerprint(self) -> str:
        return _fingerprint(self.current_token)

    @property
    def next_fingerprint(self) -> str:
        return _fingerprint(self.next_token)


@dataclass(frozen=True)
class RotationPlan:
    """How tokens are replaced: `steps` for people, `apply` for a process that reads variables."""

    rotations: tuple[TokenRotation, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """In order. Say which token by its fingerprint, never the token."""
        places = [
            f"Set {one.env_var} to the next token (sha256 {one.next_fingerprint}) wherever it is read."
            for one in self.rotations
        ]
        names = ", ".join(one.env_var for one in self.rotations)
        ends = [f"Revoke the token that {one.env_var} held (sha256 {one.current_fingerprint})." for one in self.rotations]
        check = f"Restart what reads {names}, and wait until the old tokens are no longer used (kt tokens inspect)."
        return (*places, check, *ends)

    def apply(self, environ: MutableMapping[str, str] | None = None) -> None:
        """Puts the next tokens into `environ`, `os.environ` unless stated: all of them, or none.

        Raises ValueError when a variable holds something else than its current or next token.
        """
        target = os.environ if environ is None else environ
        for one in self.rotations:
            if target.get(one.env_var) not in (one.current_token, one.next_token):
                raise ValueError(f"{one.env_var} does not hold the token that is to be replaced")
        for one in self.rotations:
            target[one.env_var] = one.next_token


def build_token_rotation_plan(rotations: Iterable[Mapping[str, str]]) -> RotationPlan:
    """A plan for variables given as `{"env_var", "current_token", "next_token"}`.

    Raises ValueError for a missing or unknown field, a variable that is named twice, and a next token that is the current one.
    """
    planned: list[TokenRotation] = []
    for given in rotations:
        if set(given) != {"env_var", "current_token", "next_token"}:
            raise ValueError("a rotation has env_var, current_token and next_token")
        one = TokenRotation(**given)
        if not _ENV_VAR.fullmatch(one.env_var):
            raise ValueError(f"{one.env_var!r} is no name of a variable")
        if not one.current_token or not one.next_token or one.current_token == one.next_token:
            raise ValueError(f"{one.env_var} must get another token than it has")
        if any(known.env_var == one.env_var for known in planned):
            raise ValueError(f"{one.env_var} is named twice")
        planned.append(one)
    if not planned:
        raise ValueError("there is nothing to rotate")
    return RotationPlan(tuple(planned))


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:12]
