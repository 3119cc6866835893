"""Verifies evidence bundles offline: no network, no server, and no line of code in common with one.

The format and what each step proves: docs/trail-format.md of the server's repository.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from . import _merkle as merkle
from ._notes import (
    Checkpoint,
    Epoch,
    Refused,
    from_base64,
    is_signed,
    nanoseconds,
    open_checkpoint,
    open_history,
    pin_of,
)
from .models import EvidenceBundle, EvidenceDigest, EvidenceEvent

_ENTRIES_MAX = 10_000
_ARCHIVE_BYTES_MAX = 1_073_741_824
_BUNDLE_BYTES_MAX = 67_108_864
_DIGEST_MEMBERS = frozenset(
    [
        *("v", "origin", "org", "digest_id", "number", "period_start", "period_end", "seq_start", "seq_end"),
        *("event_count", "tree_size", "root_hash", "oldest_event_time", "newest_event_time", "prev_digest_id"),
        *("prev_digest_sha256", "prev_signature", "kid", "alg", "storage_key"),
    ]
)


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass
class BundleReport:
    """`ok` says that all checks hold. `notes` say what is not known, and what is left out on purpose."""

    org: str | None = None
    request_id: str | None = None
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks)


def verify_bundle(archive: bytes, fingerprint: str, *, known_checkpoint: str | None = None) -> BundleReport:
    """Verifies an archive that anybody may have made. Never raises for what it is given.

    `fingerprint` is the SHA-256 of the key that is trusted, 64 hex digits, from elsewhere than the archive; `known_checkpoint`
    a note of the same log that was kept elsewhere.
    """
    report = BundleReport()
    try:
        files = _read_archive(archive)
        report.checks.append(Check("archive", True, "It is written in the one form of bundles."))
        bundle = _read_bundle(files)
        report.org, report.request_id = bundle.org, bundle.request_id
        _Verification(bundle, files, report).run(fingerprint, known_checkpoint)
    except Refused as refused:
        report.checks.append(Check("bundle", False, str(refused)))
    return report


def _read_archive(archive: bytes) -> dict[str, bytes]:
    """Reads the archive, then writes it again: one that two readers could see differently comes out otherwise."""
    if len(archive) > _ARCHIVE_BYTES_MAX:
        raise Refused("The archive is too large.")
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            infos = opened.infolist()
            if len(infos) > _ENTRIES_MAX:
                raise Refused("The archive has too many files.")
            for info in infos:
                if info.compress_type != zipfile.ZIP_STORED or info.file_size > len(archive):
                    raise Refused("A file of the archive is packed.")
                if info.filename in files:
                    raise Refused("A file occurs twice.")
                files[info.filename] = opened.read(info)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OSError) as cause:
        raise Refused("It is no archive, or a damaged one.") from cause
    if _written(files) != archive:
        raise Refused("The bytes of the archive are not those of one that holds these files and nothing else.")
    return files


def _written(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def _read_bundle(files: dict[str, bytes]) -> EvidenceBundle:
    content = files.get("bundle.json", b"")
    if not 0 < len(content) <= _BUNDLE_BYTES_MAX:
        raise Refused("There is no bundle.json.")
    try:
        bundle = EvidenceBundle.model_validate_json(content)
    except ValidationError:
        raise Refused("bundle.json is not in its form.") from None
    # Written again it must be the same bytes, and nothing in it may be unknown.
    if _holds_more(bundle) or _canonical(bundle.model_dump()) != content:
        raise Refused("bundle.json is not in its form.")
    return bundle


def _holds_more(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_holds_more, value))
    if not isinstance(value, BaseModel):
        return False
    return bool(value.model_extra) or any(_holds_more(getattr(value, name)) for name in type(value).model_fields)


def _canonical(value: object) -> bytes:
    """RFC 8785, for values that hold no fractions and whose names are ASCII."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refused("Something is no Unicode text.") from None


class _Verification:
    def __init__(self, bundle: EvidenceBundle, files: dict[str, bytes], report: BundleReport) -> None:
        self._bundle = bundle
        self._files = files
        self._report = report
        self._digests = [(given, _read_digest(given)) for given in bundle.digests]

    def run(self, fingerprint: str, known_checkpoint: str | None) -> None:
        bundle = self._bundle
        self._check("files", self._files_problem(), "Every file is the one that belongs to the bundle.")
        if bundle.origin != f"keeptrusts/{bundle.org}":
            raise Refused(f"The log is {bundle.origin}, not the organisation's.")
        trusted, earlier = open_history(bundle.keys, bundle.origin, pin_of(fingerprint))
        self._check("keys", None, "The pinned key is in the history, and each key is signed by the one before.")
        checkpoint = open_checkpoint(bundle.checkpoint, bundle.origin, trusted)
        self._check("checkpoint", None, f"A trusted key has signed the root of {checkpoint.size} leaves.")
        if not bundle.events:
            self._check("events", "There are no events.", "")
        leaves = [self._check_event(event, checkpoint) for event in bundle.events]
        for given, digest in self._digests:
            self._check_digest(given, digest, checkpoint, trusted, earlier)
        self._check_payloads(leaves)
        self._compare(known_checkpoint, checkpoint, {**earlier, **trusted})

    def _check(self, name: str, problem: str | None, detail: str) -> None:
        self._report.checks.append(Check(name, problem is None, detail if problem is None else problem))

    def _files_problem(self) -> str | None:
        """Files follow from bundle.json, but for the words of the README and content."""
        bundle = self._bundle
        expected: dict[str, bytes] = {
            "README.txt": self._files.get("README.txt", b""),
            "bundle.json": self._files["bundle.json"],
            "checkpoint.txt": bundle.checkpoint.encode(),
        }
        for event in bundle.events:
            expected[f"events/{event.seq:016d}.json"] = event.line.encode("utf-8", "surrogatepass")
        for digest in bundle.digests:
            expected[f"digests/{digest.number:016d}.json"] = digest.body.encode()
            expected[f"digests/{digest.number:016d}.sig"] = from_base64(digest.signature)
        for key in bundle.keys:
            pem = f"-----BEGIN PUBLIC KEY-----\n{key.public_key}\n-----END PUBLIC KEY-----\n"
            expected[f"keys/{key.kid}.pem"] = pem.encode()
        for payload in bundle.payloads:
            if payload.file is None:
                continue
            if payload.state == "erased" or payload.file != f"payloads/{payload.event_id}.{payload.part}":
                return f"{payload.file!r} does not belong to the bundle."
            if payload.file not in self._files:
                return f"{payload.file} is missing."
            expected[payload.file] = self._files[payload.file]
        manifest = [
            {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in expected.items()
        ]
        expected["manifest.json"] = _canonical({"files": manifest, "version": 1})
        for name in [*expected, *self._files]:
            if name not in self._files:
                return f"{name} is missing."
            if name not in expected:
                return f"{name!r} does not belong to the bundle."
            if self._files[name] != expected[name]:
                return f"{name} is not what belongs to the bundle."
        return None if list(self._files) == list(expected) else "The files are in another order."

    def _check_event(self, event: EvidenceEvent, checkpoint: Checkpoint) -> dict[str, object]:
        try:
            line = json.loads(event.line)
        except (ValueError, RecursionError):
            line = None
        leaf: dict[str, object] = line if isinstance(line, dict) else {}
        problem = None
        if (leaf.get("seq"), leaf.get("org_id"), event.leaf_index) != (event.seq, self._bundle.org, event.seq - 1):
            problem = "It is of another place or another organisation."
        elif leaf.get("request_id") != self._bundle.request_id:
            problem = "It is of another request."
        self._check(f"event {event.seq}", problem, "It is of this request and place.")
        hashed = merkle.leaf_hash(event.line.encode("utf-8", "surrogatepass"))
        proof = [from_base64(one) for one in event.proof]
        is_in = merkle.is_included(hashed, event.leaf_index, checkpoint.size, proof, checkpoint.root)
        refusal = None if is_in else "Its exact bytes are not proven to be in the tree of the checkpoint."
        self._check(f"inclusion {event.seq}", refusal, "Its exact bytes are in the tree of the checkpoint.")
        if not any(digest.seq_start <= event.seq <= digest.seq_end for _, digest in self._digests):
            self._report.notes.append(f"No digest covers event {event.seq}: when it was recorded is what it says itself.")
        return leaf

    def _check_digest(
        self,
        given: EvidenceDigest,
        digest: _Digest,
        checkpoint: Checkpoint,
        trusted: Mapping[str, Epoch],
        earlier: Mapping[str, Epoch],
    ) -> None:
        name = f"digest {given.number}"
        said = (digest.digest_id, digest.number, digest.org, digest.origin)
        epoch = trusted.get(digest.kid) or earlier.get(digest.kid)
        if said != (given.digest_id, given.number, self._bundle.org, self._bundle.origin):
            self._check(name, "It is of another place or organisation.", "")
        elif epoch is None or not epoch.covers(digest.period_end):
            self._check(name, f"The key {digest.kid} is unknown, or was not in use then.", "")
        else:
            is_own = is_signed(epoch.raw, given.body.encode(), from_base64(given.signature))
            self._check(name, None if is_own else "Its signature is not valid.", f"Signed, up to {digest.period_end}.")
        if digest.kid not in trusted:
            self._report.notes.append(f"{name} is of a key before the pinned one: its times are what that key says.")
        proof = [from_base64(one) for one in given.proof]
        is_prefix = merkle.is_consistent(digest.tree_size, checkpoint.size, digest.root, checkpoint.root, proof)
        refusal = None if is_prefix else "The tree of the checkpoint is not proven to begin with that of the digest."
        self._check(f"consistency {given.number}", refusal, "The tree of the checkpoint begins with that of the digest.")

    def _check_payloads(self, leaves: list[dict[str, object]]) -> None:
        committed: dict[tuple[str, str], object] = {}
        for leaf in leaves:
            content = leaf.get("payload")
            for part in ("request", "response"):
                if isinstance(content, dict) and isinstance(content.get(f"{part}_captured_sha256"), str):
                    committed[(str(leaf.get("event_id")), part)] = content[f"{part}_captured_sha256"]
        for payload in self._bundle.payloads:
            where = (payload.event_id, payload.part)
            name = f"payload {payload.event_id} {payload.part}"
            if committed.pop(where, None) != payload.content_sha256:
                self._check(name, "No event of the bundle commits to it.", "")
            elif payload.state == "erased":
                self._report.notes.append(f"The {payload.part} of {payload.event_id} was erased.")
            elif payload.file is None:
                self._report.notes.append(f"The {payload.part} of {payload.event_id} is not in the bundle.")
            else:
                salt = b"" if payload.salt is None else from_base64(payload.salt)
                found = hashlib.sha256(salt + self._files.get(payload.file, b"")).hexdigest()
                problem = None if found == payload.content_sha256 else "It is not what was committed to."
                self._check(name, problem, "It is what the event commits to.")
        for event_id, part in committed:
            self._report.notes.append(f"The {part} of {event_id} is not in the bundle.")

    def _compare(self, note: str | None, checkpoint: Checkpoint, epochs: Mapping[str, Epoch]) -> None:
        if note is None:
            self._report.notes.append(
                "No checkpoint from elsewhere was given: another history, signed with the same key, would look the same."
            )
            return
        known = open_checkpoint(note, self._bundle.origin, epochs)
        roots = [digest.root for _, digest in self._digests if digest.tree_size == known.size]
        if checkpoint.size == known.size:
            roots.append(checkpoint.root)
        if not roots:
            self._report.notes.append(f"The bundle has no root of {known.size} leaves: the checkpoint was not compared.")
            return
        problem = None if all(root == known.root for root in roots) else f"FORKED: at {known.size} leaves."
        self._check("known checkpoint", problem, f"At {known.size} leaves the roots are the same.")


@dataclass(frozen=True)
class _Digest:
    """What the body of a digest says."""

    origin: str
    org: str
    digest_id: str
    number: int
    period_end: str
    seq_start: int
    seq_end: int
    tree_size: int
    root: bytes
    kid: str


def _read_digest(given: EvidenceDigest) -> _Digest:
    """Only what is in the one form of digests is read at all."""
    refused = Refused(f"Digest {given.number} is not in its form.")
    try:
        value = json.loads(given.body)
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(value, dict) or set(value) != _DIGEST_MEMBERS or _canonical(value) != given.body.encode():
        raise refused
    counts = [value[name] for name in ("number", "seq_start", "seq_end", "event_count", "tree_size")]
    texts = [value[name] for name in ("origin", "org", "digest_id", "period_start", "period_end", "root_hash", "kid")]
    if not all(type(one) is int and 0 <= one <= merkle.SIZE_MAX for one in counts):
        raise refused
    if not all(isinstance(one, str) for one in texts) or (value["v"], value["alg"]) != (1, "Ed25519"):
        raise refused
    is_hex = re.fullmatch(r"[0-9a-f]{64}", value["root_hash"]) is not None
    is_whole = value["tree_size"] == value["seq_end"] == value["seq_start"] + value["event_count"] - 1
    if not is_hex or not is_whole or nanoseconds(value["period_start"]) > nanoseconds(value["period_end"]):
        raise Refused(f"Digest {given.number} contradicts itself.")
    names = ("origin", "org", "digest_id", "number", "period_end", "seq_start", "seq_end", "tree_size", "kid")
    return _Digest(root=bytes.fromhex(value["root_hash"]), **{name: value[name] for name in names})
