"""Proofs that other implementations made and damaged, with their verdicts (lib/trail/vectors)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from conftest import ROOT
from keeptrusts_client._merkle import is_consistent, is_included

VECTORS = json.loads((ROOT / "lib/trail/vectors/merkle.json").read_text())


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@pytest.mark.parametrize("one", VECTORS["inclusion"], ids=lambda one: f"{one['leafIdx']} of {one['treeSize']}: {one['desc']}")
def test_inclusion(one: dict[str, Any]) -> None:
    proof = [_bytes(hashed) for hashed in one["proof"] or []]
    said = is_included(_bytes(one["leafHash"]), one["leafIdx"], one["treeSize"], proof, _bytes(one["root"]))
    assert said is not one["wantErr"]


@pytest.mark.parametrize("one", VECTORS["consistency"], ids=lambda one: f"{one['size1']} to {one['size2']}: {one['desc']}")
def test_consistency(one: dict[str, Any]) -> None:
    proof = [_bytes(hashed) for hashed in one["proof"] or []]
    said = is_consistent(one["size1"], one["size2"], _bytes(one["root1"]), _bytes(one["root2"]), proof)
    # The others let pass what leads from the tree without leaves, which says nothing.
    assert said is (not one["wantErr"] and one["size1"] > 0)
