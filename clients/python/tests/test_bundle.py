"""Bundles of the real control plane verify; whatever is changed about one, with its copies or without, does not."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Product
from keeptrusts_client import (
    build_evidence_bundle,
    create_gateway_client,
    export_bundle_zip,
    get_public_key,
    verify_bundle,
)
from small_log import SmallLog, archive_of, canonical, encoded, with_manifest, zip_of

Files = dict[str, bytes]


def _files(archive: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {info.filename: opened.read(info) for info in opened.infolist()}


@pytest.fixture(scope="module")
def made(product: Product) -> tuple[bytes, str, str]:
    client = create_gateway_client(base_url=f"{product.gateway}/v1", api_key=product.gateway_key)
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": "Zürich \U0001f600"}]
    )
    request_id = raw.headers["x-request-id"]
    assert product.events(1, filter=f"request_id={request_id}")
    product.sign()
    bundle = build_evidence_bundle(request_id, **product.access)
    return export_bundle_zip(bundle), get_public_key(**product.access).fingerprint, bundle.checkpoint


def test_a_bundle_of_the_control_plane_verifies_against_the_fingerprint_alone(made: tuple[bytes, str, str]) -> None:
    archive, fingerprint, checkpoint = made
    report = verify_bundle(archive, fingerprint)
    assert report.ok, report
    assert any("another history" in note for note in report.notes)
    spaced = ":".join(fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    assert verify_bundle(archive, spaced, known_checkpoint=checkpoint).ok


def test_every_flipped_byte_is_found(made: tuple[bytes, str, str]) -> None:
    archive, fingerprint, _ = made
    for at in range(0, len(archive), 37):
        flipped = archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1 :]
        assert not verify_bundle(flipped, fingerprint).ok, at


@pytest.mark.parametrize(
    "archive",
    [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x00" * 1000, b"PK\x03\x04" + b"\xff" * 100],
    ids=["nothing", "two bytes", "empty archive", "zeros", "a broken head"],
)
def test_what_is_no_bundle_is_refused_without_an_exception(archive: bytes, made: tuple[bytes, str, str]) -> None:
    assert not verify_bundle(archive, made[1]).ok
    assert not verify_bundle(made[0] + archive + b"x", made[1]).ok
    assert not verify_bundle(b"x" + archive + made[0], made[1]).ok


def test_a_packed_archive_is_not_unpacked() -> None:
    for size in (10, 50_000_000):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bundle.json", b" " * size)
        report = verify_bundle(out.getvalue(), "0" * 64)
        assert [check.detail for check in report.checks] == ["A file of the archive is packed."]


LOG = SmallLog()


def test_the_small_log_verifies_with_each_of_its_keys_pinned() -> None:
    report = verify_bundle(LOG.bundle(), LOG.fingerprint, known_checkpoint=LOG.checkpoint(size=5))
    assert report.ok, report
    assert {"payload evt_3 request", "consistency 0", "known checkpoint"} <= {check.name for check in report.checks}
    later = verify_bundle(LOG.bundle(), LOG.keys[1].fingerprint)
    assert later.ok
    assert any("before the pinned one" in note for note in later.notes)


@pytest.mark.parametrize("fingerprint", ["", "0" * 64, LOG.fingerprint[:32], "not hex"])
def test_another_fingerprint_is_refused(fingerprint: str) -> None:
    assert not verify_bundle(LOG.bundle(), fingerprint).ok


def _flip(text: str) -> str:
    value = bytearray(base64.b64decode(text))
    value[-1] ^= 1
    return encoded(bytes(value))


def _set(path: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    """Changes what is at a place such as `events.0.line`."""

    def edit(value: dict[str, Any]) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = value
        for step in way:
            place = place[step]
        place[last] = change(place[last])

    return edit


WHOLES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a word of the record": _set("events.0.line", lambda line: line.replace("evt_3", "evt_4")),
    "the place of the record": _set("events.0.leaf_index", lambda index: index + 1),
    "the number of the record": _set("events.0.seq", lambda seq: seq + 1),
    "a hash of its proof": _set("events.0.proof.0", _flip),
    "a hash too many": _set("events.0.proof", lambda proof: [*proof, proof[0]]),
    "a hash too few": _set("events.0.proof", lambda proof: proof[:-1]),
    "the request": _set("request_id", lambda _: "req_x"),
    "the organisation": _set("org", lambda _: "org_other"),
    "the origin": _set("origin", lambda _: "keeptrusts/org_other"),
    "no event": _set("events", lambda _: []),
    "the signature of a digest": _set("digests.0.signature", _flip),
    "the proof of a digest": _set("digests.0.proof.0", _flip),
    "the number of a digest": _set("digests.0.number", lambda _: 1),
    "the id of a digest": _set("digests.0.digest_id", lambda _: "dig_1"),
    "what content is": _set("payloads.0.content_sha256", lambda _: "0" * 64),
    "its salt": _set("payloads.0.salt", _flip),
    "whose content it is": _set("payloads.0.event_id", lambda _: "evt_4"),
    "content that is erased and there": _set("payloads.0.state", lambda _: "erased"),
    "where content is": _set("payloads.0.file", lambda _: "../evt_3.request"),
    "no key": _set("keys", lambda _: []),
    "the succession of a key": _set("keys.1.predecessor_signature", _flip),
    "a key that begins later": _set("keys.1.not_before", lambda _: "2026-03-01T00:00:00Z"),
    "a key that ends later": _set("keys.0.not_after", lambda _: "2026-03-01T00:00:00Z"),
    "a key without an end before the next": _set("keys.0.not_after", lambda _: None),
    "a key with another name": _set("keys.0.kid", lambda _: "0" * 32),
    "a key twice": _set("keys", lambda keys: [*keys, keys[1]]),
    "a member more": lambda value: value.update(more=1),
    "a member more of an event": lambda value: value["events"][0].update(more=1),
    "a member more of a key": lambda value: value["keys"][0].update(more=1),
    "a member less": lambda value: value.pop("version"),
    "another version": _set("version", lambda _: 2),
    "a number as text": _set("events.0.leaf_index", str),
}


@pytest.mark.parametrize("whole", WHOLES.values(), ids=WHOLES.keys())
def test_whatever_is_changed_is_found_though_all_copies_agree(whole: Callable[[dict[str, Any]], object]) -> None:
    assert not verify_bundle(LOG.bundle(whole=whole), LOG.fingerprint).ok


DIGESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another form": lambda value: canonical(value).replace(",", ", ", 1),
    "a member twice": lambda value: canonical(value).replace('"v":1', '"v":2,"v":1'),
    "a member more": lambda value: value.update(more=1),
    "another version": lambda value: value.update(v=2),
    "a count that contradicts": lambda value: value.update(event_count=4),
    "a size of another kind": lambda value: value.update(tree_size=5.0),
    "another root": lambda value: value.update(root_hash="0" * 64),
    "no root": lambda value: value.update(root_hash="xyz"),
    "another log": lambda value: value.update(origin="keeptrusts/other"),
    "another organisation": lambda value: value.update(org="org_other"),
    "a time after its key": lambda value: value.update(period_end="2026-02-01T00:00:00.000000001Z"),
    "a time before its key": lambda value: value.update(
        period_start="2025-12-31T00:00:00Z", period_end="2025-12-31T23:59:59.999999999Z"
    ),
    "a period that ends before it begins": lambda value: value.update(period_end="2025-12-31T00:00:00Z"),
    "an unknown key": lambda value: value.update(kid="0" * 32),
    "no time": lambda value: value.update(period_end="yesterday"),
}


@pytest.mark.parametrize("digest", DIGESTS.values(), ids=DIGESTS.keys())
def test_a_digest_that_no_log_signs_is_refused_though_its_key_has_signed(digest: Callable[[dict[str, Any]], object]) -> None:
    assert not verify_bundle(LOG.bundle(digest=digest), LOG.fingerprint).ok


NOTES: dict[str, Callable[[str], str]] = {
    "the signature": lambda note: f"{note[: note.rindex(' ') + 1]}{_flip(note[note.rindex(' ') + 1 : -1])}\n",
    "the size": lambda note: note.replace("\n7\n", "\n8\n"),
    "a line more": lambda note: note.replace("\n\n", "\nmore\n\n", 1),
    "no signature": lambda note: note[: note.index("\n\n") + 1],
    "another log": lambda note: note.replace("org_test", "org_best"),
    "a control character": lambda note: note.replace("\n7\n", "\n7\t\n"),
    "the signature of an earlier key": lambda _: LOG.checkpoint(key=0),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_checkpoint_that_no_trusted_key_has_signed_is_refused(name: str) -> None:
    # The later key is pinned: what the earlier one says now may be said by whoever has stolen it.
    assert not verify_bundle(LOG.bundle(note=NOTES[name]), LOG.keys[1].fingerprint).ok


def test_a_checkpoint_from_elsewhere_shows_another_history() -> None:
    forked = verify_bundle(LOG.bundle(), LOG.fingerprint, known_checkpoint=LOG.checkpoint(size=5, other=True))
    assert [check.detail for check in forked.checks if not check.ok] == ["FORKED: at 5 leaves."]
    assert not verify_bundle(LOG.bundle(), LOG.fingerprint, known_checkpoint="no note").ok
    unknown = verify_bundle(LOG.bundle(), LOG.fingerprint, known_checkpoint=LOG.checkpoint(size=3))
    assert unknown.ok
    assert any("not compared" in note for note in unknown.notes)


FILES: dict[str, Callable[[Files], Files]] = {
    "a file more": lambda files: {"extra.txt": b"x", **files},
    "a file less": lambda files: {name: content for name, content in files.items() if name != "checkpoint.txt"},
    "a copy": lambda files: {**files, "checkpoint.txt": files["checkpoint.txt"] + b"\n"},
    "content": lambda files: {**files, "payloads/evt_3.request": b"other"},
    "another order": lambda files: dict(reversed(files.items())),
    "white space in bundle.json": lambda files: {**files, "bundle.json": files["bundle.json"] + b" "},
    "no bundle.json": lambda files: {"README.txt": b""},
    "a deep bundle.json": lambda files: {**files, "bundle.json": b"[" * 100_000},
}


@pytest.mark.parametrize("change", FILES.values(), ids=FILES.keys())
def test_files_that_do_not_follow_from_the_bundle_are_refused_though_the_manifest_has_them(
    change: Callable[[Files], Files],
) -> None:
    files = _files(LOG.bundle())
    files.pop("manifest.json")
    assert zip_of(with_manifest(files)) == LOG.bundle()
    assert not verify_bundle(zip_of(with_manifest(change(files))), LOG.fingerprint).ok


def test_a_manifest_that_is_another_is_refused() -> None:
    assert not verify_bundle(zip_of({**_files(LOG.bundle()), "manifest.json": b"{}"}), LOG.fingerprint).ok


def test_a_member_that_stands_twice_is_refused() -> None:
    value = json.loads(_files(LOG.bundle())["bundle.json"])
    twice = canonical(value).replace('"version":1', '"version":2,"version":1')
    assert not verify_bundle(archive_of(value, {}, twice), LOG.fingerprint).ok
