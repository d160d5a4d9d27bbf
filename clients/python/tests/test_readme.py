"""The programs of the README, as they are printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from otpmux import Otpmux

from .conftest import Gateway

README = Path(__file__).parents[1] / "README.md"


class Names(dict[str, Any]):
    """What the example takes from its application. The code is read when it is used."""

    def __init__(self, gateway: Gateway) -> None:
        address = SimpleNamespace(remote_addr="192.0.2.7")
        super().__init__(api_key=gateway.api_key, session={}, request=address)
        self.gateway = gateway

    def __getitem__(self, name: str) -> Any:
        return self.gateway.code("+919876543210") if name == "typed" else super().__getitem__(name)


def block(place: int) -> str:
    return README.read_text(encoding="utf-8").split("```python\n")[place].split("```")[0]


def test_the_first_program_lets_the_user_in(gateway: Gateway) -> None:
    to = "+919876500001"
    program = block(1).replace("+919876543210", to)
    environment = {**os.environ, "OTPMUX_URL": gateway.url, "OTPMUX_API_KEY": gateway.api_key}
    arguments = [sys.executable, "-u", "-c", program]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(len("Code: ")) == "Code: "
        said, _ = process.communicate(gateway.code(to))
    assert (process.returncode, said) == (0, "welcome\n")


def test_the_example_lets_the_user_in(gateway: Gateway) -> None:
    text = block(2)
    names = Names(gateway)
    exec(text.replace("http://127.0.0.1:8080", gateway.url), {}, names)
    shown = Otpmux(gateway.url, gateway.api_key).get(names["session"]["verification"])
    assert shown.status == "approved"
