"""Signed notes and checkpoints of C2SP, and the keys of a log."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .models import EvidenceKey

_NOTE_LENGTH_MAX = 20_000
_SIGNATURES_MAX = 100
_KEYS_MAX = 400
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


class Refused(Exception):
    """Says why, in words for people."""


@dataclass(frozen=True)
class Checkpoint:
    size: int
    root: bytes


@dataclass(frozen=True)
class Epoch:
    """A key and the time in which it signs; `not_after` is null while it does."""

    raw: bytes
    not_before: str
    not_after: str | None

    def covers(self, time: str) -> bool:
        at = nanoseconds(time)
        return nanoseconds(self.not_before) <= at and (self.not_after is None or at <= nanoseconds(self.not_after))


def from_base64(text: str) -> bytes:
    """In the one form that encoding gives."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("Something is no base64.") from None
    if base64.b64encode(value).decode() != text:
        raise Refused("Something is base64 in another form.")
    return value


def nanoseconds(time: str) -> tuple[str, str]:
    """An RFC 3339 time in UTC in a form that compares as it does."""
    found = _TIME.fullmatch(time)
    if found is None:
        raise Refused(f"{time!r} is no time.")
    return found[1], (found[2] or "").ljust(9, "0")


def is_signed(raw_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, message)
    except InvalidSignature:
        return False
    except ValueError:
        return False
    return True


def pin_of(fingerprint: str) -> str:
    """64 hex digits, as people write them."""
    pin = re.sub(r"(?i)^sha256|[:\s]", "", fingerprint.strip()).replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", pin):
        raise Refused("The given fingerprint is none: it has 64 hex digits.")
    return pin


def open_history(keys: list[EvidenceKey], origin: str, pin: str) -> tuple[Mapping[str, Epoch], Mapping[str, Epoch]]:
    """The keys that follow from the pinned one, it among them, and those before it. Each is signed by the one before."""
    if len(keys) > _KEYS_MAX:
        raise Refused(f"A history has at most {_KEYS_MAX} keys.")
    fingerprints: dict[str, str] = {}
    by_predecessor: dict[str | None, EvidenceKey] = {}
    epochs: dict[str, Epoch] = {}
    for key in keys:
        spki = from_base64(key.public_key)
        fingerprint = hashlib.sha256(spki).hexdigest()
        if len(spki) != 44 or not spki.startswith(_SPKI_PREFIX) or fingerprint[:32] != key.kid:
            raise Refused(f"Key {key.kid} is not the Ed25519 key that it says it is.")
        if key.kid in epochs or key.predecessor_kid in by_predecessor:
            raise Refused("The keys are not one line of successions.")
        fingerprints[key.kid] = fingerprint
        by_predecessor[key.predecessor_kid] = key
        epochs[key.kid] = Epoch(spki[12:], key.not_before, key.not_after)
    line: list[str] = []
    following = by_predecessor.get(None)
    while following is not None and len(line) < len(keys):
        if line:
            before = line[-1]
            statement = (
                f"keeptrusts key succession v1\n{origin}\npredecessor {fingerprints[before]}\n"
                f"successor {fingerprints[following.kid]}\nnot_before {following.not_before}\n"
            )
            signature = from_base64(following.predecessor_signature or "")
            ends = epochs[before].not_after
            if not is_signed(epochs[before].raw, statement.encode(), signature):
                raise Refused(f"Key {following.kid} is not signed by the key before it.")
            if ends is None or nanoseconds(ends) != nanoseconds(following.not_before):
                raise Refused(f"Key {following.kid} does not begin when the key before it ends.")
        elif following.predecessor_signature is not None:
            raise Refused(f"Key {following.kid} has a signature and nobody who signed.")
        line.append(following.kid)
        following = by_predecessor.get(following.kid)
    if len(line) != len(keys):
        raise Refused("The keys are not one line of successions.")
    places = [at for at, kid in enumerate(line) if fingerprints[kid] == pin]
    if not places:
        raise Refused("The key with the given fingerprint is not in the history.")
    return (
        {kid: epochs[kid] for kid in line[places[0] :]},
        {kid: epochs[kid] for kid in line[: places[0]]},
    )


def open_checkpoint(note: str, origin: str, epochs: Mapping[str, Epoch]) -> Checkpoint:
    """The checkpoint of a note that one of these keys has signed. Signatures of other keys are ignored."""
    text, signatures = _parse_note(note)
    ids = {hashlib.sha256(f"{origin}\n".encode() + b"\x01" + epoch.raw).digest()[:4]: epoch for epoch in epochs.values()}
    verified = False
    for name, value in signatures:
        epoch = ids.get(value[:4]) if name == origin else None
        if epoch is None:
            continue
        if not is_signed(epoch.raw, text.encode(), value[4:]):
            raise Refused("A signature of the checkpoint is not valid.")
        verified = True
    if not verified:
        raise Refused("No trusted key has signed the checkpoint.")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or lines[0] != origin or "" in lines:
        raise Refused(f"The note is no checkpoint of {origin}.")
    root = from_base64(lines[2])
    if not re.fullmatch(r"0|[1-9]\d{0,15}", lines[1]) or len(root) != 32:
        raise Refused("The note is no checkpoint.")
    return Checkpoint(int(lines[1]), root)


def _parse_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    end = note.rfind("\n\n")
    if len(note) > _NOTE_LENGTH_MAX or end == -1 or not note.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise Refused("The checkpoint is no signed note.")
    lines = note[end + 2 : -1].split("\n")
    if len(lines) > _SIGNATURES_MAX:
        raise Refused("The checkpoint has too many signatures.")
    signatures: list[tuple[str, bytes]] = []
    for line in lines:
        found = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line)
        if found is None:
            raise Refused("The checkpoint has a line among its signatures that is none.")
        value = from_base64(found[2])
        if len(value) < 5:
            raise Refused("The checkpoint has a signature that is too short.")
        signatures.append((found[1], value))
    return note[: end + 1], signatures
