"""Destination formats are data: one YAML file per format in `formats/`, and adding a format is adding one file.

Belongs here: what such a file may say, reading it, and fitting it to one destination of a project.
Does not belong here: values (activate.normalise), rows (activate.render), what a destination is (declarations).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from personalization_pipeline.activate.normalise import NORMALISERS
from personalization_pipeline.foundation.declarations import Declaration, Destination, Purpose
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.project import nearest

FOLDER = Path(__file__).parent / "formats"

MemberField = Literal[
    "person_id", "external_id", "email", "phone", "first_name", "last_name", "postal_code", "country", "offer"
]
Group = tuple[MemberField, ...]

# The fields that hold a kind of address: a record is named by the key of its system, or else by the person's id.
FIELDS_OF: Mapping[str, Group] = {"email": ("email",), "phone": ("phone",), "record": ("external_id", "person_id")}


class Column(Declaration):
    """One column of the file. `blank` says what an empty cell means to the receiver, and so when one may be written.

    keep    it leaves what it has; a value that cannot be used becomes an empty cell
    null    it clears what it has; so a value that cannot be used refuses the row: it must not clear anything
    omit    it says nothing; so a cell is also left empty where its address is incomplete or stands in an earlier row
    forbid  an error; the row is refused
    """

    header: str = Field(min_length=1)
    field: MemberField
    normaliser: str
    hash: Literal["sha256_hex"] | None = None
    blank: Literal["keep", "null", "omit", "forbid"]

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.normaliser not in NORMALISERS:
            raise ValueError(f"unknown normaliser {self.normaliser!r}, {nearest(self.normaliser, NORMALISERS)}")
        return self


class Format(Declaration):
    """How a file looks. `version` is the SHA-256 of the YAML, and of the columns that a destination chose from it.

    identity   any-of groups of fields: a row must fill all fields of at least one
    dedupe     groups of fields: the same values stand once per file
    choices    columns that a destination may choose besides `columns`; none means that the columns are fixed
    consents   purposes that every destination with this format must ask for (`format_for`: those that it asks for)
    """

    name: str
    version: str
    description: str
    columns: tuple[Column, ...]
    choices: tuple[Column, ...] = ()
    identity: tuple[Group, ...]
    dedupe: tuple[Group, ...] = Field(min_length=1)
    consents: tuple[Purpose, ...]
    min_audience: int = Field(ge=1)
    max_rows: int | None = Field(None, ge=1)
    delimiter: Literal[",", ";", "\t", "|"]
    encoding: Literal["utf-8", "utf-8-sig"]
    line_end: Literal["lf", "crlf"]
    formula_escape: bool

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        headers, fields = {c.header for c in self.columns}, {c.field for c in self.columns}
        if min(len(headers), len(fields)) < len(self.columns):
            raise ValueError("columns: a header or a field appears twice")
        if not self.identity or not all(fields.issuperset(group) for group in self.identity + self.dedupe):
            raise ValueError("identity and dedupe may only name fields of the columns, identity at least one group")
        return self


def format_names() -> list[str]:
    """The names of all formats, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_format(name: str, where: Path | str = FOLDER) -> Format:
    """A format by name. Raises ProjectError: an unknown name (`where` is the file that names it), or a wrong file."""
    if name not in format_names():
        raise ProjectError(f"unknown format {name!r}", fix=nearest(name, format_names()), where=where)
    return read_format(FOLDER / f"{name}.yaml")


def read_format(path: Path) -> Format:
    """Read one format file; its name is the file's. Raises ProjectError naming the file and what is wrong in it."""
    content = path.read_bytes()
    try:
        said = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError):
        said = None
    if not isinstance(said, dict):
        raise ProjectError("is no YAML with keys", fix="describe the format as the files beside it do", where=path)
    return _validated({**said, "name": path.stem, "version": hashlib.sha256(content).hexdigest()}, path)


def format_for(destination: Destination, where: Path) -> Format:
    """The format of one destination, with all purposes that it asks for; `where` is the destination's file.

    Where columns may be chosen, a row must hold an address of the kinds that the destination delivers to, and an
    address stands once; a file without such a column (a list of ids) goes by its ids. Raises ProjectError if columns
    are chosen of a fixed format or are not on offer, or if a purpose is missing that the format needs.
    """
    found = load_format(destination.format, where)
    asked = {consent.purpose for consent in destination.consents}
    missing = [purpose for purpose in found.consents if purpose not in asked]
    if missing:
        needed = ", ".join(found.consents)
        raise ProjectError(f"{found.name} needs consent for {needed}", fix=f"add {', '.join(missing)}", where=where)
    further = sorted(asked.difference(found.consents))
    found = found.model_copy(update={"consents": (*found.consents, *further)})
    return _with_columns(found, destination, where) if destination.columns else found


def _with_columns(found: Format, destination: Destination, where: Path) -> Format:
    fields = list(destination.columns.values())
    if not found.choices:
        raise ProjectError(f"the columns of {found.name} are fixed", fix="remove `columns`", where=where)
    offered: dict[str, Column] = {column.field: column for column in found.columns + found.choices}
    unknown = next((field for field in fields if field not in offered), None)
    if unknown is not None:
        raise ProjectError(f"{found.name} has no field {unknown!r}", fix=nearest(unknown, offered), where=where)
    held = [[field for field in FIELDS_OF[kind] if field in fields] for kind in destination.addresses]
    held = [group for group in held if group] or [[field for field in FIELDS_OF["record"] if field in fields]]
    if not held[0]:
        raise ProjectError("no column holds an address or an id", fix="add one to `columns`", where=where)
    chosen = {
        "columns": [offered[field].model_dump() | {"header": name} for name, field in destination.columns.items()],
        "identity": [[field] for group in held for field in group],
        "dedupe": [group[:1] for group in held],
    }
    text = json.dumps(chosen, sort_keys=True, ensure_ascii=False)
    version = hashlib.sha256(f"{found.version}{text}".encode()).hexdigest()
    return _validated(found.model_dump() | chosen | {"version": version}, where)


def _validated(said: Mapping[str, Any], where: Path) -> Format:
    try:
        return Format.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        known = Column.model_fields if len(first["loc"]) > 1 else Format.model_fields
        remedy = nearest(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" else "see class Format"
        raise ProjectError(f"{place or 'the format'}: {first['msg']}", fix=remedy, where=where) from None
