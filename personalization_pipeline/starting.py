"""`personalize init`: a new project folder, empty or as the demo shop.

Belongs here: what a new folder holds. Does not belong here: the demo's people and orders (demo.world).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from personalization_pipeline.demo.hardness import Hardness
from personalization_pipeline.demo.world import write_world
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.keys import create_keys
from personalization_pipeline.foundation.writes import Kind, make_folder, write_bytes, write_text

STARTER = Path(__file__).parent / "starter"
DEMO_PROJECT = Path(__file__).parent / "demo" / "project"
SALT = "SALT-OF-THIS-PROJECT"

# Landed files, the store and the keys never reach git.
GITIGNORE = "landing/\nstore/\n.keys/\n"


def start_project(folder: Path) -> None:
    """A project that checks clean and waits for its first file; with keys and a salt of its own."""
    _refuse_existing(folder)
    _copy_text(STARTER, folder, {SALT: secrets.token_hex(16)})
    write_text(folder / ".gitignore", GITIGNORE, Kind.PROJECT)
    make_folder(folder / "landing" / "customers", Kind.PROJECT)
    create_keys(folder / ".keys")


def start_demo(
    folder: Path, *, people: int, seed: int, nights: int = 1, progress: Callable[[str], None] = lambda _: None
) -> Hardness:
    """The demo: its project text, its landed files (and those of later nights) and the truth about them. Same seed, same bytes."""
    _refuse_existing(folder)
    _copy_text(DEMO_PROJECT, folder, {})
    return write_world(folder, people=people, nights=nights, seed=seed, progress=progress)


def _refuse_existing(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise ProjectError("is not empty", fix="name a new folder: nothing is ever written over", where=folder)


def _copy_text(source: Path, target: Path, replaced: dict[str, str]) -> None:
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        content = path.read_bytes()
        for old, new in replaced.items():
            content = content.replace(old.encode(), new.encode())
        write_bytes(target / path.relative_to(source), content, Kind.PROJECT)
