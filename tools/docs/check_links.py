"""Checks the links of every Markdown file of the repository: each file and each anchor must exist.

Links to other hosts are not followed. MkDocs checks the pages of the site once more, as they are built.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pages import FENCE, LINK, ROOT

HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
EXPLICIT = re.compile(r"\{[^}]*#([\w-]+)[^}]*\}|<a (?:id|name)=\"([\w-]+)\"|id=\"([\w-]+)\"")
IMAGE = re.compile(r"<img[^>]+src=\"([^\"]+)\"")


def slug(heading: str) -> str:
    """The anchor that a forge makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"\{[^}]*\}$", "", text).strip()
    text = re.sub(r"[^\w\- ]", "", text.lower())
    return text.replace(" ", "-")


def anchors(path: Path) -> set[str]:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    found = {slug(heading) for heading in HEADING.findall(text)}
    return found | {name for names in EXPLICIT.findall(text) for name in names if name}


def mistakes(name: str) -> list[str]:
    path = ROOT / name
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    found = []
    for target in [target for _, target in LINK.findall(text)] + IMAGE.findall(text):
        if re.match(r"[a-z]+:", target) and "::" not in target:
            continue
        if "::" in target or re.fullmatch(r"[A-Za-z_]\w*(\(\))?", target):
            continue  # Rust's documentation checks those.
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.exists():
            found.append(f"{name}: {target}: no such file")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            found.append(f"{name}: {target}: no such heading")
    return found


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()
    names = [name for name in listed if (ROOT / name).exists()]
    found = [mistake for name in names for mistake in mistakes(name)]
    for mistake in found:
        print(mistake, file=sys.stderr)
    print(f"links of {len(names)} files: {len(found)} wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
