"""Checks the signatures in the golden receipts with another implementation of RSA-PSS, and reads the golden
answers with Prelude's own client.

The adapter must accept and refuse the same files (`cargo test -p otpmux-prelude --test golden`). Prelude's client
checks no signature of the Verify API. Nothing is sent.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from prelude_python_sdk.types import VerificationCheckResponse, VerificationCreateResponse

WIRE = Path(__file__).resolve().parents[3] / "crates/adapters/prelude/wire"
PREFIX = "rsassa-pss-sha256="


def accepts(request: dict, key: str) -> bool:
    given = {name.lower(): value for name, value in request["headers"].items()}.get("x-webhook-signature", "")
    text = given.removeprefix(PREFIX).replace("+", "-").replace("/", "_").rstrip("=")
    signature = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    padding = PSS(mgf=MGF1(SHA256()), salt_length=SHA256.digest_size)
    try:
        load_der_public_key(base64.b64decode(key)).verify(signature, request["body"].encode(), padding, SHA256())
    except InvalidSignature:
        return False
    return True


def receipts() -> dict[bool, int]:
    checked = {True: 0, False: 0}
    for path in sorted(WIRE.glob("receipt-*.json")):
        file = json.loads(path.read_text())
        for case in file["cases"]:
            if case.get("settings", {}).get("receipts") != "signed":
                continue
            expected = case["expect"].get("error", {}).get("kind") != "unauthenticated"
            got = accepts(file["request"], case["settings"]["receipt_secret"])
            assert got == expected, f"{path.name}: RSA-PSS says {got}, the file {expected}"
            checked[got] += 1
    return checked


def answers() -> int:
    """Reads the documented answers strictly: a word or a type that the client does not know is an error."""
    read = 0
    for path in sorted(WIRE.glob("*.json")):
        file = json.loads(path.read_text())
        if not file["documented"] or file["response"]["status"] != 200:
            continue
        is_check = file["request"]["path"].endswith("/check")
        model = VerificationCheckResponse if is_check else VerificationCreateResponse
        model.model_validate(file["response"]["body"], strict=True)
        read += 1
    return read


def main() -> None:
    checked, read = receipts(), answers()
    assert checked[True] and checked[False] and read, (checked, read)
    print(f"prelude: {checked[True]} signatures accepted, {checked[False]} refused, {read} documented answers read")


if __name__ == "__main__":
    main()
