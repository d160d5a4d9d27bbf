"""Hook of MkDocs: pages whose text is elsewhere in the repository, and links between files.

A text is written once. README files of adapters and crates, SECURITY.md and CHANGELOG.md are pages of
the site as they are. Every link in any page is relative to the file that it is in, as on a forge: a link
to a file that is a page leads to the page, a link to another file of the repository leads to the forge.
A link to a file that does not exist is a warning, and so ends `mkdocs build --strict`.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

LOG = logging.getLogger("mkdocs.hooks.pages")
ROOT = Path(__file__).resolve().parents[2]
FORGE = "https://github.com/otpmux/otpmux/blob/main/"

# Files that are pages: the file, the page.
PAGES = {
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "crates/otpmux-cli/README.md": "command-line.md",
    "crates/otpmux-gateway/README.md": "http-api.md",
    "crates/otpmux-sqlite/README.md": "stores/sqlite.md",
    "crates/otpmux-redis/README.md": "stores/redis.md",
    "crates/otpmux-postgres/README.md": "stores/postgres.md",
    "crates/otpmux-emulator/README.md": "vendors/emulator.md",
    "clients/python/README.md": "clients/python.md",
    "clients/typescript/README.md": "clients/typescript.md",
}
# The headings of these pages, in place of a crate's or package's name.
TITLES = {
    "command-line.md": "Command line",
    "http-api.md": "HTTP API",
    "stores/sqlite.md": "SQLite store",
    "stores/redis.md": "Redis store",
    "stores/postgres.md": "PostgreSQL store",
    "vendors/emulator.md": "Emulator",
    "clients/python.md": "Python client",
    "clients/typescript.md": "TypeScript client",
}
# Folders whose files are pages: a pattern, the name of the page.
FOLDERS = [
    ("crates/adapters/*/README.md", lambda path: f"vendors/{path.parent.name}.md"),
    ("crates/adapters/http/presets/*/README.md", lambda path: f"vendors/{path.parent.name}.md"),
    ("crates/otpmux-gateway/src/problem/pages/*.md", lambda path: f"problems/{path.name}"),
]

FENCE = re.compile(r"^[ ]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^[ ]*(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
# Part of another file, as the extension `pymdownx.snippets` writes it. Within a block of code the
# extension itself includes it; anywhere else it is done here, so that its links are right.
INCLUDE = re.compile(r"^(?P<indent>[ ]*)--8<-- \"(?P<file>[^\":]+):(?P<part>[\w-]+)\"$", re.MULTILINE)
LINK = re.compile(r"(?<!\\)(\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^()\s]+(?:\([^()\s]*\))?)\)")
# A link of rustdoc: [`Policy`], or [`register`](Registry::register).
RUSTDOC = re.compile(r"\[(`[^`\]]+`)\](?![(\[:])")


def sources() -> dict[str, str]:
    found = dict(PAGES)
    for pattern, name in FOLDERS:
        for path in sorted(ROOT.glob(pattern)):
            found[path.relative_to(ROOT).as_posix()] = name(path)
    return found


SOURCES = sources()
FILES = {page: source for source, page in SOURCES.items()}


def on_config(config):
    config.nav = expanded(config.nav)
    return config


def expanded(nav: list) -> list:
    """Puts the pages of a folder in the place of `folder/*`."""
    out = []
    for entry in nav:
        if isinstance(entry, str) and entry.endswith("/*"):
            folder = entry.removesuffix("*")
            named = {value for e in nav if isinstance(e, dict) for value in e.values() if isinstance(value, str)}
            out += sorted(page for page in FILES if page.startswith(folder) and page not in named)
        elif isinstance(entry, dict):
            out.append({k: expanded(v) if isinstance(v, list) else v for k, v in entry.items()})
        else:
            out.append(entry)
    return out


def on_files(files, config):
    for source, page in SOURCES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    uri = page.file.src_uri
    source = FILES.get(uri, f"docs/{uri}")
    if source.startswith("crates/"):
        markdown = of_rustdoc(titled(markdown))
    if uri in TITLES:
        markdown = re.sub(r"^# .*", f"# {TITLES[uri]}", markdown)
    if uri == "problems/index.md":
        markdown = markdown.replace("<!-- problem types -->", problem_types())
    markdown = linked(markdown, source, uri)
    return outside_code(markdown, lambda text: INCLUDE.sub(lambda m: included(m, uri), text))


def linked(markdown: str, source: str, uri: str) -> str:
    """A file's text with its links as they must be on this page."""
    return outside_code(markdown, lambda text: LINK.sub(lambda m: moved(m, source, uri), text))


def included(found: re.Match, uri: str) -> str:
    file, part = found["file"], found["part"]
    text = (ROOT / file).read_text(encoding="utf-8")
    marks = re.search(rf"<!-- --8<-- \[start:{part}\] -->\n(.*?)<!-- --8<-- \[end:{part}\] -->", text, re.DOTALL)
    if not marks:
        LOG.warning("docs/%s includes %s of %s, which is not marked there", uri, part, file)
        return found.group(0)
    lines = linked(marks[1].strip(), file, uri).splitlines()
    return "\n".join(found["indent"] + line if line else line for line in lines)


def titled(markdown: str) -> str:
    """The page of an adapter is named after the vendor, not after the crate."""
    vendor = re.search(r"^# otpmux-.*?adapter for ([A-Z][\w.]*(?: [A-Z0-9][\w.]*)*)", markdown, re.DOTALL)
    return re.sub(r"^# .*", f"# {vendor[1]}", markdown) if vendor else markdown


def problem_types() -> str:
    """A row for each type of problem, from its page."""
    rows = ["| type | meaning | HTTP status |", "|---|---|---|"]
    for page, source in sorted(FILES.items()):
        if page.startswith("problems/"):
            text = (ROOT / source).read_text(encoding="utf-8")
            name, title, status = re.match(r"# (\w+)\n\n(.+)\. HTTP status: (.+)\.\n", text).groups()
            rows.append(f"| [`{name}`]({name}.md) | {title} | {status} |")
    return "\n".join(rows)


def moved(link: re.Match, source: str, page: str) -> str:
    label, target = link.groups()
    if target.startswith(("http:", "https:", "mailto:", "#")):
        return link.group(0)
    if "::" in target or re.fullmatch(r"[A-Za-z_]\w*(::\w+)*(\(\))?", target):
        return label[1:-1]
    path, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    anchor = f"#{anchor}" if anchor else ""
    if not (ROOT / path).exists() and not path.startswith("docs/"):
        LOG.warning("%s links to %s, which does not exist", source, target)
        return link.group(0)
    if path in SOURCES:
        to = SOURCES[path]
    elif path.startswith("docs/"):
        to = path.removeprefix("docs/")
    else:
        return f"{label}({FORGE}{path}{anchor})"
    return f"{label}({posixpath.relpath(to, posixpath.dirname(page) or '.')}{anchor})"


def of_rustdoc(markdown: str) -> str:
    """A README that is also a crate's documentation, for readers of pages."""
    out = outside_code(markdown, lambda text: RUSTDOC.sub(r"\1", text))
    return FENCE.sub(rust_block, out)


def rust_block(block: re.Match) -> str:
    first, *lines, last = block.group(0).split("\n")
    languages = set(first.strip("`").split(","))
    if languages <= {"", "rust", "no_run", "ignore", "should_panic", "edition2024"}:
        shown = [line for line in lines if line != "#" and not line.startswith("# ")]
        return "\n".join(["```rust", *shown, last])
    return block.group(0)


def outside_code(markdown: str, change) -> str:
    out, at = [], 0
    for block in FENCE.finditer(markdown):
        out += [change(markdown[at : block.start()]), block.group(0)]
        at = block.end()
    return "".join([*out, change(markdown[at:])])
