"""Checks the signatures in the golden receipts with Telnyx's own library.

The adapter must accept and refuse the same files (`cargo test -p otpmux-telnyxverify --test golden`), so the two
agree on every one of them. Nothing is sent; the clock is each file's.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from unittest import mock

from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

WIRE = Path(__file__).resolve().parents[3] / "crates/adapters/telnyxverify/wire"


def accepts(request: dict, case: dict) -> bool:
    at = datetime.fromisoformat(case["input"]["received_at"])
    key = case["settings"]["receipt_secret"]
    try:
        with mock.patch("time.time", return_value=at.timestamp()):
            verify_webhook_signature(request["body"].encode(), request["headers"], key)
    except WebhookVerificationError:
        return False
    return True


def main() -> None:
    checked = {True: 0, False: 0}
    for path in sorted(WIRE.glob("receipt-*.json")):
        file = json.loads(path.read_text())
        for case in file["cases"]:
            if case.get("settings", {}).get("receipts") != "signed":
                continue
            error = case["expect"].get("error", {})
            expected = error.get("kind") != "unauthenticated"
            got = accepts(file["request"], case)
            assert got == expected, f"{path.name}: the library says {got}, the file {expected}"
            checked[got] += 1
    assert checked[True] and checked[False], checked
    print(f"telnyxverify: {checked[True]} signatures accepted, {checked[False]} refused, by the vendor's library too")


if __name__ == "__main__":
    main()
