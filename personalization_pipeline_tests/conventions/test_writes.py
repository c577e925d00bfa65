"""Only foundation.writes changes files: every other module that would is found by reading its source.

Belongs here: what counts as a write in Python and in SQL text, and that every kind of write is used.
Does not belong here: what happens when the plug is pulled in one (the pipeline's chaos tests).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from personalization_pipeline.foundation.writes import Kind

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "personalization_pipeline"
WRITES = PACKAGE / "foundation" / "writes.py"
# What the engine does for two modules.
BY_ENGINE = {
    PACKAGE / "foundation" / "warehouse.py": {"ATTACH of a file in SQL"},
    PACKAGE / "foundation" / "exports.py": {"COPY ... TO in SQL"},
}
MODULES = [*sorted(PACKAGE.rglob("*.py")), *sorted(ROOT.glob("data/*/*.py"))]

# What of `os` and `shutil` looks and does not touch; whatever else one of them is asked for is a write.
LOOKING = {
    "os": {
        *("environ", "getenv", "getpid", "sysconf", "cpu_count", "SEEK_END", "SEEK_SET"),
        *("path", "scandir", "walk", "stat", "fspath", "sep", "PathLike"),
    },
    "shutil": {"disk_usage", "which", "get_terminal_size"},
}
REFUSED_MODULES = {"tempfile", "fcntl", "mmap", "sqlite3", "zipfile", "tarfile", "shelve", "dbm"}
PATH_METHODS = {
    *("write_text", "write_bytes", "mkdir", "touch", "unlink", "rmdir", "chmod", "lchmod"),
    *("symlink_to", "hardlink_to", "rmtree", "copytree", "copyfile", "copyfileobj"),
}
# Frames and charts write a file, or into a buffer, or (without an argument) give the text.
EXPORTS = re.compile(
    r"^(write|sink|to)_(csv|parquet|ndjson|json|ipc|ipc_stream|avro|excel|delta|database|html|pickle)$|^save$"
)
COPY = re.compile(r"\bCOPY\b\s*(\(|\S+\s+TO\b)|\bEXPORT\s+DATABASE\b", re.IGNORECASE | re.DOTALL)
ATTACH = re.compile(r"\bATTACH\b\s+(?!':memory:')", re.DOTALL)


def writes_in(source: str) -> list[str]:
    """Every write that a module's source does by itself, in words."""
    tree = ast.parse(source)
    documented = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}  # type: ignore[attr-defined]
    buffers = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in ("io.BytesIO()", "io.StringIO()")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += _imported(node)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in LOOKING:
            found += [] if node.attr in LOOKING[node.value.id] else [f"{node.value.id}.{node.attr}"]
        elif isinstance(node, ast.Call):
            found += _called(node, buffers)
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in documented:
            found += _said_in_sql(node)
    return sorted(set(found))


def _has_docstring(node: ast.AST) -> bool:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return isinstance(node, documented) and ast.get_docstring(node) is not None


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        known = LOOKING.get(node.module or "")
        yield from (f"{node.module}.{a.name}" for a in node.names if known is not None and a.name not in known)
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    yield from (name for name in names if name.split(".")[0] in REFUSED_MODULES)


def _called(call: ast.Call, buffers: set[str]) -> Iterator[str]:
    function = call.func
    if isinstance(function, ast.Name) and function.id == "open":
        yield from _opened(call, place=1)
    if not isinstance(function, ast.Attribute):
        return
    name, owner = function.attr, ast.unparse(function.value)
    if name == "open":
        yield from _opened(call, place=1 if owner in ("io", "gzip", "bz2", "lzma", "codecs") else 0)
    elif name in PATH_METHODS and owner != "writes":
        yield f".{name}()"
    elif EXPORTS.match(name) and call.args and ast.unparse(call.args[0]) not in (*buffers, "io.BytesIO()"):
        yield f".{name}({ast.unparse(call.args[0])})"
    elif name in ("rename", "replace") and len(call.args) == 1 and not call.keywords:
        # Text is replaced by two arguments, a frame renamed by a mapping, a column taken from a frame by a name, a node
        # of parsed SQL replaced by a node.
        given, is_column = call.args[0], isinstance(function.value, ast.Subscript)
        is_node = ast.unparse(given).startswith(("exp.", "sqlglot."))
        if not (isinstance(given, ast.Dict) or is_column or is_node):
            yield f".{name}({ast.unparse(given)})"


def _opened(call: ast.Call, place: int) -> Iterator[str]:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] or call.args[place : place + 1]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else "" if given else "r"
    if mode not in ("r", "rb", "rt"):
        yield f"open(mode={ast.unparse(given[0])})"


def _said_in_sql(node: ast.Constant | ast.JoinedStr) -> Iterator[str]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
    if isinstance(node, ast.JoinedStr) or isinstance(node.value, str):
        yield from ("COPY ... TO in SQL" for _ in COPY.findall(text))
        yield from ("ATTACH of a file in SQL" for _ in ATTACH.findall(text))


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path != WRITES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_other_module_changes_files(path: Path) -> None:
    allowed = BY_ENGINE.get(path, set())
    assert [write for write in writes_in(path.read_text(encoding="utf-8")) if write not in allowed] == []


def test_the_module_that_writes_would_be_found_and_the_engine_copies_and_attaches() -> None:
    assert {"os.open", ".mkdir()", "shutil.rmtree", "fcntl"} <= set(writes_in(WRITES.read_text()))
    assert {path: set(writes_in(path.read_text())) for path in BY_ENGINE} == BY_ENGINE


@pytest.mark.parametrize(
    "source",
    [
        "open(p, 'w')",
        "open(p, mode)",
        "open(p, mode='ab')",
        "p.open('x')",
        "p.open('r+')",
        "gzip.open(p, 'wb')",
        "os.open(p, flags)",
        "from os import replace",
        "from shutil import move",
        "import tempfile",
        "p.write_text(t)",
        "(p / 'a').write_bytes(b)",
        "p.rename(q)",
        "p.replace(q)",
        "p.chmod(0o600)",
        "frame.write_parquet(p)",
        "frame.write_csv(p / 'a.csv')",
        "chart.save('plot.png')",
        "c.execute(f'COPY ({select}) TO {path}')",
        "c.execute('copy people to \\'x.csv\\'')",
        "c.execute(f'ATTACH {path} AS x')",
    ],
)
def test_a_write_is_found(source: str) -> None:
    assert writes_in(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "open(p)",
        "p.open('rb')",
        "p.open(encoding='utf-8')",
        "writes.write_text(p, t, kind)",
        "write_bytes(p, b, kind)",
        "frame.rename({'a': 'b'})",
        "text.replace('a', 'b')",
        "moment.replace(tzinfo=UTC)",
        "frame.write_csv()",
        "buffer = io.BytesIO()\nframe.write_parquet(buffer)",
        "shutil.disk_usage(p)",
        "os.environ['A'] = 'b'",
        "c.execute(\"ATTACH ':memory:' AS run\")",
        "def f():\n    'COPY x TO y: what the caller does'",
    ],
)
def test_looking_is_no_write(source: str) -> None:
    assert writes_in(source) == []


def test_every_kind_of_write_happens_somewhere() -> None:
    """A kind that nothing writes would be a point where no plug can be pulled."""
    ways = {
        kind: node.name
        for node in ast.parse(WRITES.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        for kind in re.findall(r"writing\(Kind\.(\w+)\)", ast.unparse(node))
    }
    others = "\n".join(path.read_text(encoding="utf-8") for path in MODULES if path != WRITES)
    used = set(re.findall(r"\bKind\.([A-Z]+)\b", others))
    used |= {kind for kind, way in ways.items() if re.search(rf"\b(writes\.)?{way}\(", others)}
    assert ways.keys() == {"POINTER", "SEAL", "CLEANUP"}
    assert {kind.name for kind in Kind} == used
