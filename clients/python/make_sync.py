"""Makes `_synchronous.py` from `_asynchronous.py`, so that both are one text.

    python make_sync.py           writes it
    python make_sync.py --check   fails where it is not what would be written
"""

import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "src" / "otpmux"
WORDS = [
    ('"""The client for asyncio."""', '"""The client for programs that wait; made by make_sync.py."""'),
    ("A client of one gateway, for asyncio. Use one", "A client of one gateway, safe to share between threads. Use one"),
    ("import asyncio", "import time"),
    ("await asyncio.sleep", "time.sleep"),
    ("AsyncOtpmux", "Otpmux"),
    ("AsyncClient", "Client"),
    ("async def", "def"),
    ("await ", ""),
    ("aclose", "close"),
    ("__aenter__", "__enter__"),
    ("__aexit__", "__exit__"),
]


def main() -> int:
    text = (PACKAGE / "_asynchronous.py").read_text()
    for one, other in WORDS:
        text = text.replace(one, other)
    made = PACKAGE / "_synchronous.py"
    if sys.argv[1:] == ["--check"]:
        return 0 if made.read_text() == text else 1
    made.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
