"""A project folder, loaded: everything that a company owns, frozen, with its references checked.

Belongs here: finding the folder, reading its files into declarations, kind errors, the hash of its text.
Does not belong here: what a rule means (foundation.rules needs the night's columns) and what a mapping means (ingest).
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import ValidationError

from personalization_pipeline.foundation.corrections import LINKS, Link, read_links
from personalization_pipeline.foundation.declarations import (
    Audience,
    Declaration,
    Destination,
    Offer,
    Segment,
    Settings,
    Source,
)
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.tables import Table, read_tables

DEFAULT_PROJECT = Path("data/demo")
# Folders whose text decides a night. Landed data and the store are not text of the project.
TEXT = (
    "project.yaml",
    "sources",
    "features",
    "segments",
    "audiences",
    "destinations",
    "offers",
    "corrections",
    "artefacts",
)

Kind = TypeVar("Kind", bound=Declaration)


@dataclass(frozen=True)
class Project:
    """One company's project. Names are file names without their ending; `links` are corrections by their line.

    `home`: where landing, store and keys lie when the text is read from elsewhere, such as a copy in the store.
    """

    folder: Path
    settings: Settings
    sources: Mapping[str, Source]
    segments: Mapping[str, Segment]
    audiences: Mapping[str, Audience]
    destinations: Mapping[str, Destination]
    offers: Mapping[str, Offer]
    features: Mapping[str, Table]
    links: Mapping[int, Link]
    home: Path

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.time_zone)

    @property
    def landing(self) -> Path:
        return (self.home / self.settings.landing).resolve()

    @property
    def store(self) -> Path:
        return (self.home / self.settings.store).resolve()

    @property
    def keys(self) -> Path:
        return Path(os.environ.get("PERSONALIZATION_KEYS") or self.home / ".keys")

    @property
    def sources_once(self) -> list[str]:
        """Names of the sources that hold each person once, sorted."""
        return sorted(name for name, source in self.sources.items() if source.one_record_per_person)

    def file(self, kind: str, name: str) -> Path:
        """The file that declares something, for messages: `file('segments', 'vip')`."""
        return self.folder / kind / f"{name}{'.sql' if kind == 'features' else '.yaml'}"

    def text(self) -> dict[str, bytes]:
        """Every text file that decides a night, by path relative to the folder, sorted."""
        found = {}
        for name in TEXT:
            root = self.folder / name
            for path in [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file()):
                found[path.relative_to(self.folder).as_posix()] = path.read_bytes()
        return found

    def text_hash(self) -> str:
        """sha256 over the project's text: another rule, another hash."""
        return hash_of(self.text())


def hash_of(text: Mapping[str, bytes]) -> str:
    """The sha256 that names a version of a project's text."""
    digest = hashlib.sha256()
    for name, content in sorted(text.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def find_project(folder: Path | None = None) -> Path:
    """The folder given, else PERSONALIZATION_PROJECT, else the demo. Raises ProjectError where there is none."""
    chosen = folder or Path(os.environ.get("PERSONALIZATION_PROJECT") or DEFAULT_PROJECT)
    if not (chosen / "project.yaml").is_file():
        raise ProjectError(
            "is no project: it has no project.yaml",
            fix="name a project folder (--project DIR or PERSONALIZATION_PROJECT), or make one: personalize init DIR",
            where=chosen,
        )
    return chosen.resolve()


def load_project(folder: Path | None = None, home: Path | None = None) -> Project:
    """Read a whole project. Raises ProjectError naming the file, what was wrong and what would be right."""
    root = find_project(folder)
    project = Project(
        folder=root,
        home=home or root,
        settings=_on_this_machine(read_declaration(root / "project.yaml", Settings)),
        sources=dict(_read_all(root / "sources", Source)),
        segments=dict(_read_all(root / "segments", Segment)),
        audiences=dict(_read_all(root / "audiences", Audience)),
        destinations=dict(_read_all(root / "destinations", Destination)),
        offers=dict(_read_all(root / "offers", Offer)),
        features=read_tables(root / "features", "segment"),
        links=read_links(root / LINKS),
    )
    _check_references(project)
    _refuse_comments(project)
    return project


def _on_this_machine(settings: Settings) -> Settings:
    """PERSONALIZATION_THREADS overrides the project, whose text is the same on every machine."""
    threads = int(os.environ.get("PERSONALIZATION_THREADS") or 0)
    engine = settings.engine.model_copy(update={"threads": threads})
    return settings.model_copy(update={"engine": engine}) if threads else settings


def nearest(word: str, known: Collection[str]) -> str:
    """Words for a remedy: the known names nearest to a word, or all of them when none is near."""
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known are: {', '.join(sorted(known)) or 'none'}"


def _read_all(folder: Path, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    for path in sorted(folder.glob("*.yml")):
        raise ProjectError("would be overlooked", fix=f"name it {path.stem}.yaml", where=path)
    for path in sorted(folder.glob("*.yaml")):
        yield path.stem, read_declaration(path, kind)


class OneOfEachKey(yaml.SafeLoader):
    """Safe YAML in which a key that stands twice is an error: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_declaration(path: Path, kind: type[Kind]) -> Kind:
    """One YAML file as a declaration. Raises ProjectError naming the file, the key and the nearest known keys."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), OneOfEachKey)
    except UnicodeDecodeError:
        raise ProjectError("is not UTF-8 text", fix="save the file as UTF-8", where=path) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise ProjectError(
            f"{line}{getattr(error, 'problem', 'is no YAML')}", fix="correct the YAML", where=path
        ) from None
    if not isinstance(content, dict):
        raise ProjectError("holds no keys", fix=f"declare a {kind.__name__.lower()}: {_keys(kind)}", where=path)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise _in_words(error, kind, path) from None


def _in_words(error: ValidationError, kind: type[Declaration], path: Path) -> ProjectError:
    found = error.errors(include_url=False)
    # A key that is spelled wrongly is unknown and missed: the unknown one is what somebody can see in the file.
    # Where a value may have several shapes, the deepest complaint is about the shape that was meant.
    deepest = max(found, key=lambda e: len(e["loc"]))
    first = next((e for e in found if e["type"] == "extra_forbidden"), deepest)
    place = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
    if first["type"] == "extra_forbidden":
        known = _model_at(kind, first["loc"][:-1]).model_fields
        return ProjectError(f"unknown key {place!r}", fix=nearest(str(first["loc"][-1]), known), where=path)
    if first["type"] == "missing":
        return ProjectError(
            f"key {place!r} is missing", fix=f"add it; {_keys(_model_at(kind, first['loc'][:-1]))}", where=path
        )
    return ProjectError(
        f"{place}: {first['msg'].lower().replace('tuple', 'list')}", fix=f"correct {place!r}", where=path
    )


def _model_at(kind: type[Declaration], place: tuple[int | str, ...]) -> type[Declaration]:
    for part in place:
        field = kind.model_fields.get(str(part))
        kind = next(_models_in(field.annotation), kind) if field else kind
    return kind


def _models_in(annotation: object) -> Iterator[type[Declaration]]:
    """Declarations inside a type: in `tuple[Consent, ...]` or `DeclaredConsent | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Declaration):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _keys(kind: type[Declaration]) -> str:
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    return f"it needs {', '.join(required)}"


def _refuse_comments(project: Project) -> None:
    """YAML folds the lines of a rule into one, so an SQL comment would silently swallow every condition after it."""
    rules = [("segments", name, segment.where) for name, segment in project.segments.items()]
    rules += [("audiences", name, audience.where) for name, audience in project.audiences.items()]
    rules += [("offers", name, offer.where) for name, offer in project.offers.items()]
    for kind, name, where in rules:
        if "--" in re.sub(r"'[^']*'|\"[^\"]*\"", "", where):
            raise ProjectError(
                "where: an SQL comment (--) hides what stands behind it",
                fix="write the comment with # on a line of its own above `where`",
                where=project.file(kind, name),
            )


def _check_references(project: Project) -> None:
    for table in project.features.values():
        if not table.is_feature:
            raise ProjectError("would be overlooked", fix="add the header line `-- feature`", where=table.path)
    try:
        _ = project.zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ProjectError(
            f"unknown time zone {project.settings.time_zone!r}",
            fix="use an IANA name such as Europe/Berlin",
            where=project.folder / "project.yaml",
        ) from None
    for name, audience in project.audiences.items():
        if audience.brand and audience.brand not in project.settings.brands:
            raise ProjectError(
                f"unknown brand {audience.brand!r}",
                fix=f"{nearest(audience.brand, project.settings.brands)}; project.yaml lists the brands",
                where=project.file("audiences", name),
            )
        for destination in audience.destinations:
            if destination not in project.destinations:
                raise ProjectError(
                    f"unknown destination {destination!r}",
                    fix=nearest(destination, project.destinations),
                    where=project.file("audiences", name),
                )
    for artefact, path in project.settings.artefacts.items():
        if not (project.folder / path).is_file():
            raise ProjectError(
                f"artefact {artefact!r} points at {path}, which is not there",
                fix="correct the path, or remove the line: the next night then trains one",
                where=project.folder / "project.yaml",
            )
