"""A log of seven records and two keys, made here, for bundles that no honest log would make."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORG = "org_test"
ORIGIN = f"keeptrusts/{ORG}"
EPOCHS = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
SALT = bytes(range(32))
CONTENT = b'{"say":"hello"}'

Change = Callable[[Any], object]


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


class Key:
    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.spki = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.fingerprint = hashlib.sha256(self.spki).hexdigest()
        self.kid = self.fingerprint[:32]


class SmallLog:
    """`bundle` builds one of the record with seq 3; the arguments change a part before what depends on it is made."""

    def __init__(self) -> None:
        self.keys = [Key(), Key()]
        commitment = hashlib.sha256(SALT + CONTENT).hexdigest()
        self.lines = [
            canonical(
                {
                    "event_id": f"evt_{seq}",
                    "org_id": ORG,
                    "payload": {"request_captured_sha256": commitment if seq == 3 else None},
                    "request_id": "req_3" if seq == 3 else "req_x",
                    "seq": seq,
                }
            )
            for seq in range(1, 8)
        ]

    @property
    def fingerprint(self) -> str:
        return self.keys[0].fingerprint

    def bundle(
        self, *, digest: Change = lambda _: None, note: Change = lambda note: note, whole: Change = lambda _: None
    ) -> bytes:
        leaves = [hashlib.sha256(b"\x00" + line.encode()).digest() for line in self.lines]
        body = self._digest(leaves, digest)
        value = {
            "version": 1,
            "org": ORG,
            "origin": ORIGIN,
            "request_id": "req_3",
            "events": [
                {"seq": 3, "leaf_index": 2, "line": self.lines[2], "proof": [encoded(one) for one in _inclusion(2, leaves)]}
            ],
            "payloads": [
                {
                    "event_id": "evt_3",
                    "part": "request",
                    "state": "kept",
                    "salt": encoded(SALT),
                    "content_sha256": hashlib.sha256(SALT + CONTENT).hexdigest(),
                    "file": "payloads/evt_3.request",
                }
            ],
            "digests": [
                {
                    "digest_id": "dig_0",
                    "number": 0,
                    "body": body,
                    "signature": encoded(self.keys[0].private.sign(body.encode())),
                    "proof": [encoded(one) for one in _consistency(5, leaves)],
                }
            ],
            "checkpoint": note(self.note(leaves)),
            "keys": self._history(),
        }
        whole(value)
        return archive_of(value, {"payloads/evt_3.request": CONTENT})

    def note(self, leaves: list[bytes], key: int = 1) -> str:
        text = f"{ORIGIN}\n{len(leaves)}\n{encoded(_root(leaves))}\n"
        own = self.keys[key]
        key_id = hashlib.sha256(f"{ORIGIN}\n".encode() + b"\x01" + own.raw).digest()[:4]
        return f"{text}\n\u2014 {ORIGIN} {encoded(key_id + own.private.sign(text.encode()))}\n"

    def checkpoint(self, key: int = 1, size: int = 7, *, other: bool = False) -> str:
        leaves = [hashlib.sha256(b"\x00" + line.encode() + b"!" * other).digest() for line in self.lines[:size]]
        return self.note(leaves, key)

    def _digest(self, leaves: list[bytes], change: Change) -> str:
        value = {
            "v": 1,
            "origin": ORIGIN,
            "org": ORG,
            "digest_id": "dig_0",
            "number": 0,
            "period_start": "2026-01-01T00:00:00Z",
            "period_end": "2026-01-01T01:00:00.5Z",
            "seq_start": 1,
            "seq_end": 5,
            "event_count": 5,
            "tree_size": 5,
            "root_hash": _root(leaves[:5]).hex(),
            "oldest_event_time": "2026-01-01T00:10:00.000Z",
            "newest_event_time": "2026-01-01T00:20:00.000Z",
            "prev_digest_id": None,
            "prev_digest_sha256": None,
            "prev_signature": None,
            "kid": self.keys[0].kid,
            "alg": "Ed25519",
            "storage_key": "org_test/dig_0.json",
        }
        changed = change(value)
        return changed if isinstance(changed, str) else canonical(value)

    def _history(self) -> list[dict[str, object]]:
        first, second = self.keys
        statement = (
            f"keeptrusts key succession v1\n{ORIGIN}\npredecessor {first.fingerprint}\n"
            f"successor {second.fingerprint}\nnot_before {EPOCHS[1]}\n"
        )
        return [
            {
                "kid": first.kid,
                "public_key": encoded(first.spki),
                "not_before": EPOCHS[0],
                "not_after": EPOCHS[1],
                "predecessor_kid": None,
                "predecessor_signature": None,
            },
            {
                "kid": second.kid,
                "public_key": encoded(second.spki),
                "not_before": EPOCHS[1],
                "not_after": None,
                "predecessor_kid": first.kid,
                "predecessor_signature": encoded(first.private.sign(statement.encode())),
            },
        ]


def archive_of(value: dict[str, Any], payloads: dict[str, bytes], bundle_json: str | None = None) -> bytes:
    """Every file that follows from bundle.json, whatever that says."""
    files = {"README.txt": b"Read me.", "bundle.json": (bundle_json or canonical(value)).encode()}
    files["checkpoint.txt"] = value["checkpoint"].encode()
    for event in value["events"]:
        files[f"events/{event['seq']:016d}.json"] = event["line"].encode()
    for digest in value["digests"]:
        files[f"digests/{digest['number']:016d}.json"] = digest["body"].encode()
        files[f"digests/{digest['number']:016d}.sig"] = base64.b64decode(digest["signature"])
    for key in value["keys"]:
        pem = f"-----BEGIN PUBLIC KEY-----\n{key['public_key']}\n-----END PUBLIC KEY-----\n"
        files[f"keys/{key['kid']}.pem"] = pem.encode()
    for payload in value["payloads"]:
        if payload["file"] is not None:
            files[payload["file"]] = payloads.get(payload["file"], b"")
    return zip_of(with_manifest(files))


def with_manifest(files: dict[str, bytes]) -> dict[str, bytes]:
    listed = [
        {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} for name, content in files.items()
    ]
    return {**files, "manifest.json": canonical({"files": listed, "version": 1}).encode()}


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return hashlib.sha256(b"\x01" + _root(leaves[:middle]) + _root(leaves[middle:])).digest()


def _inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_inclusion(index, leaves[:middle]), _root(leaves[middle:])]
    return [*_inclusion(index - middle, leaves[middle:]), _root(leaves[:middle])]


def _consistency(size: int, leaves: list[bytes], is_whole: bool = True) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    if size == len(leaves):
        return [] if is_whole else [_root(leaves)]
    middle = _split(len(leaves))
    if size <= middle:
        return [*_consistency(size, leaves[:middle], is_whole), _root(leaves[middle:])]
    return [*_consistency(size - middle, leaves[middle:], False), _root(leaves[:middle])]
