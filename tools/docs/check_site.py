"""Checks the built site: a page that is viewed loads nothing from another host."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


class Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") in ("canonical", "prev", "next"):
            return
        target = values.get(LOADED.get(tag, ""), "") or ""
        if target.startswith(("http:", "https:", "//")):
            self.found.append(f"{tag} {target}")


def main(site: Path) -> int:
    pages = sorted(site.rglob("*.html"))
    wrong = 0
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        for found in loads.found:
            wrong += 1
            print(f"{page.relative_to(site)} loads {found}", file=sys.stderr)
    if not pages:
        print(f"{site} has no page", file=sys.stderr)
        return 1
    print(f"{len(pages)} pages, {wrong} loads from other hosts")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
