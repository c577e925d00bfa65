"""The only module that changes files. Every write has a kind, and every kind is a point where a test can pull the plug.

Belongs here: creating, replacing, linking and removing files and folders; the fault points.
Does not belong here: what is written, and where (foundation.night knows the folders).

`PERSONALIZATION_FAULT=<kind>:<before|after>[:<kill|full>]` makes the process die by SIGKILL (or meet a full disk)
at the first write of that kind, before or after it: `make chaos` runs a night through each of them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from personalization_pipeline.foundation.errors import DiskFull

FULL_BYTES = 1024 * 1024


class Kind(StrEnum):
    """What is being written. One fault point each."""

    FOLDER = "folder"  # the folder of a night, or of the facts of one landed file
    FACTS = "facts"  # typed rows of one landed file, as Parquet
    TABLE = "table"  # one table of the night, one transaction
    ARTEFACT = "artefact"  # a trained model, as text
    FILE = "file"  # a rendered audience file
    MANIFEST = "manifest"  # the certificate beside an audience file
    REPORT = "report"  # report.html
    NIGHT = "night"  # night.json
    ANALYSTS = "analysts"  # the analysts' file, written anew before it is published
    SEAL = "seal"  # permissions of the two databases, before they are published
    POINTER = "pointer"  # store/current: the commit
    CLEANUP = "cleanup"  # removal of an orphan or of the building mark
    DELIVERY = "delivery"  # a file pushed to a destination
    RECEIPT = "receipt"  # the receipt of a delivery, in landing/_receipts
    PROJECT = "project"  # a project folder: init, demo data, a copy of the project's text


@contextlib.contextmanager
def writing(kind: Kind) -> Iterator[None]:
    """Wrap one write: the fault points before and after it, and a full disk told as DiskFull."""
    try:
        _fault(kind, "before")
        yield
        _fault(kind, "after")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left while writing a {kind}", fix="free disk space, then run again") from error
        raise


@contextlib.contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Whatever fails while the disk is full fails because of that, in words that differ from library to library."""
    try:
        yield
    except Exception:
        if shutil.disk_usage(folder).free > FULL_BYTES:
            raise
        raise DiskFull("no space left", fix="free disk space, then run again", where=folder) from None


def _fault(kind: Kind, moment: str) -> None:
    wanted = os.environ.get("PERSONALIZATION_FAULT", "")
    if not wanted.startswith(f"{kind}:{moment}"):
        return
    if wanted.endswith(":full"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.kill(os.getpid(), signal.SIGKILL)


def write_bytes(path: Path, content: bytes, kind: Kind, mode: int = 0o644) -> None:
    """Write a file whole or not at all: beside it first, synced, then moved into place."""
    with writing(kind), _beside(path, mode) as file:
        file.write(content)


def write_text(path: Path, content: str, kind: Kind, mode: int = 0o644) -> None:
    """`write_bytes` for text, always UTF-8, never a changed line end."""
    write_bytes(path, content.encode("utf-8"), kind, mode)


@contextlib.contextmanager
def writing_file(path: Path, kind: Kind, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A binary file object for content that should not be held in memory; whole or not at all."""
    with writing(kind), _beside(path, mode) as file:
        yield file


@contextlib.contextmanager
def _beside(path: Path, mode: int) -> Iterator[IO[bytes]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(mode)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def folder_at_once(folder: Path, kind: Kind, mode: int = 0o755) -> Iterator[Path]:
    """A folder that appears with all its files or not at all: yields a scratch folder beside it."""
    scratch = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    scratch.chmod(mode)
    try:
        yield scratch
        with writing(kind):
            shutil.rmtree(folder, ignore_errors=True)
            scratch.replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def make_folder(folder: Path, kind: Kind = Kind.FOLDER, mode: int = 0o755) -> None:
    """Create a folder and its parents; one that exists is left as it is."""
    with writing(kind):
        folder.mkdir(parents=True, exist_ok=True, mode=mode)


def point(link: Path, target: str) -> None:
    """Make `link` point at `target` (relative) in one atomic step: readers see the old or the new, never neither."""
    with writing(Kind.POINTER):
        beside = link.with_name(f".{link.name}.partial")
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        beside.replace(link)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[int | None]:
    """Hold a lock file for as long as the block runs: yields None, or the pid that holds it already.

    The kernel frees it the moment that the holder ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield int(os.read(descriptor, 20) or 0)
            return
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield None
    finally:
        os.close(descriptor)


def seal(path: Path, mode: int) -> None:
    """Sync a finished file or folder and set who may use it."""
    with writing(Kind.SEAL):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.chmod(mode)


def move(source: Path, target: Path, kind: Kind) -> None:
    """Put a finished file in the place of another, in one step."""
    with writing(kind):
        source.replace(target)


def copy(source: Path, target: Path, kind: Kind, mode: int = 0o644) -> None:
    """Copy a file whole or not at all, following no name but `target`."""
    with source.open("rb") as original, writing_file(target, kind, mode) as file:
        shutil.copyfileobj(original, file, 1 << 20)


def copy_folder(source: Path, target: Path, kind: Kind, ignore: Any = None) -> None:
    """Copy a folder with everything in it; the target must not exist."""
    with writing(kind):
        shutil.copytree(source, target, ignore=ignore)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; one that is not there is fine."""
    with writing(Kind.CLEANUP):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
