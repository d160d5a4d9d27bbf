"""A gateway with emulated vendors: the program that OTPMUX_PROGRAM names."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Gateway:
    url: str
    api_key: str
    handset: str

    def messages(self, to: str) -> list[dict[str, Any]]:
        """What arrived for a recipient."""
        query = urllib.parse.urlencode({"to": to})
        with urllib.request.urlopen(f"{self.handset}/_emulator/messages?{query}") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def code(self, to: str) -> str:
        return str(self.messages(to)[-1]["code"])


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    program = os.environ["OTPMUX_PROGRAM"]
    arguments = ["dev", "--json", "--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield Gateway(ready["gateway"], ready["api_key"], ready["handset"].rstrip("/"))
    finally:
        process.terminate()
        process.wait()
