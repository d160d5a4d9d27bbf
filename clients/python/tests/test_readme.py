"""The example of the README, as it is printed."""

from __future__ import annotations

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


def test_the_example_lets_the_user_in(gateway: Gateway) -> None:
    text = README.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names = Names(gateway)
    exec(text.replace("http://127.0.0.1:8080", gateway.url), {}, names)
    shown = Otpmux(gateway.url, gateway.api_key).get(names["session"]["verification"])
    assert shown.status == "approved"
