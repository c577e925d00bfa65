"""The shapes of a project's files: what a person may write in each, and what a blank means.

Belongs here: one frozen model per kind of file; unknown keys are refused. Does not belong here: reading files and
checking that what they name exists (foundation.project).
"""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

PURPOSES = ("marketing", "ads_sharing", "ads_personalization", "profiling")
CHANNELS = ("email", "sms", "push", "phone", "post", "ads", "web", "any")
ADDRESS_KINDS = ("email", "phone", "record")

Purpose = Literal["marketing", "ads_sharing", "ads_personalization", "profiling"]
Channel = Literal["email", "sms", "push", "phone", "post", "ads", "web", "any"]
AddressKind = Literal["email", "phone", "record"]
GoldenField = Literal[
    "first_name",
    "last_name",
    "email",
    "phone",
    "birth_date",
    "street",
    "postal_code",
    "city",
    "country",
    "language",
]

# YAML reads bare 1, 2.5, true and dates as such; an expression is always text.
Expression = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float | date) else value)
]


class Declaration(BaseModel):
    """Frozen; a key that nobody knows is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Engine(Declaration):
    """What a run may use; nothing here changes a result."""

    threads: int | None = Field(None, ge=1)
    memory_limit: str | None = None


class Holdout(Declaration):
    """People who never get anything, so that the others' lift can be measured."""

    salt: str
    share: float = Field(0.05, ge=0, le=0.5)


class Retention(Declaration):
    """How many committed nights stay whole."""

    nights: int = Field(7, ge=1)


def _off(value: object) -> object:
    """YAML reads a bare `off` as false; blank is neither."""
    if value in (False, "off"):
        return None
    if not isinstance(value, dict):
        raise ValueError("write `off`, or `levels:` with a label and an sql each")
    return value


class OwnLevel(Declaration):
    """One level of a comparison: `sql` says of a pair of records, by columns that end in _l and _r, whether it is met."""

    label: str = Field(min_length=1)
    sql: Expression


class OwnLevels(Declaration):
    """The levels of a comparison, the best first; the sql of the last one is `else`."""

    levels: tuple[OwnLevel, ...] = Field(min_length=2)


class Identity(Declaration):
    """How records are told apart, where a company knows better.

    `cut`: the weight from which on records are one person, in thousandths of a bit, every night. `comparisons`: by name
    `off`, or levels in the place of ours; they count when the model is learned.
    """

    cut: int | None = None
    comparisons: dict[str, Annotated[OwnLevels | None, BeforeValidator(_off)]] = {}


class Settings(Declaration):
    """project.yaml.

    `stitching_days`: what a browser or app saw without a sign-in is its one user's so long before the first and after the
    last. `survivorship`: field of the golden record -> the sources whose word goes before all others', the best first.
    """

    name: str
    description: str = ""
    time_zone: str = "UTC"
    currency: str = Field("EUR", min_length=3, max_length=3)
    default_country: str = Field("", max_length=2)
    landing: str = "landing"
    store: str = "store"
    schedule_hour: int = Field(2, ge=0, le=23)
    as_of: Expression | None = None
    is_demo: bool = False
    holdout: Holdout
    retention: Retention = Retention()
    engine: Engine = Engine()
    artefacts: dict[str, str] = {}
    churn_horizon_days: int = Field(90, ge=7, le=365)
    stitching_days: int = Field(30, ge=0)
    identity: Identity = Identity()
    survivorship: dict[GoldenField, tuple[str, ...]] = {}
    brands: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()


class FillDown(Declaration):
    """Cells that stand on the first row of a group only: a blank one means the last that was written in its group."""

    by: str
    columns: tuple[str, ...] = Field(min_length=1)


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(
            f"no encoding is named {name!r}; known are utf-8, utf-16, latin-1, cp1252 and others"
        ) from None
    return name


def _character(text: str) -> str:
    if len(text) != 1 or not text.isascii() or not (text.isprintable() or text == "\t"):
        raise ValueError('write one character in quotes, such as "," or ";" or "\\t"')
    return text


def _below_landing(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError("name files below the landing folder, such as shop/*.csv")
    return pattern


class FileFormat(Declaration):
    """How the bytes of a landed file are read. An empty `quote` means that no cell is quoted."""

    type: Literal["csv", "ndjson", "parquet"] = "csv"
    delimiter: Annotated[str, AfterValidator(_character)] = ","
    quote: Annotated[str, AfterValidator(lambda text: text and _character(text))] = '"'
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    fill_down: FillDown | None = None


class DeclaredConsent(Declaration):
    """Consent that a source has no data for, declared by a named person with a reason. Counted apart everywhere."""

    purposes: tuple[Purpose, ...]
    channel: Channel = "any"
    status: Literal["granted", "refused"]
    evidence: str
    decided_by: str
    decided_on: Expression


# Target column -> expression; `where`: only rows of which this is true are meant.
Mapping = dict[str, Expression]


class Source(Declaration):
    """sources/<name>.yaml: where a source's files land and what they mean.

    `one_record_per_person`: it holds nobody twice, so that two of its records are never one person.
    """

    description: str
    owner: str
    party: Literal["zero", "first", "second", "third"]
    legal_basis: str
    files: Annotated[str, AfterValidator(_below_landing)]
    format: FileFormat = FileFormat()
    delivers: Literal["changes", "full"] = "changes"
    one_record_per_person: bool = False
    columns: dict[str, Literal["required", "optional"]] = Field(min_length=1)
    rows_are: str
    maps: dict[str, Mapping | list[Mapping]]
    declared_consent: DeclaredConsent | None = None
    checks: tuple[str, ...] = ()

    def mappings(self, entity: str) -> list[Mapping]:
        """The mappings of one entity; one source row may fill an entity more than once."""
        found = self.maps.get(entity, [])
        return found if isinstance(found, list) else [found]


class Segment(Declaration):
    """segments/<name>.yaml: a rule over people and features."""

    description: str
    where: str
    owner: str = ""


class Audience(Declaration):
    """audiences/<name>.yaml: a rule over facts, segments and scores, and what it is for.

    `brand`: who speaks. Consent given to that brand, or to all, is asked for; without it, that of every brand.
    """

    description: str
    where: str
    use_case: str
    goal: str
    kpi: str
    owner: str
    destinations: tuple[str, ...] = Field(min_length=1)
    brand: str = ""
    use_holdout: bool = True


class Offer(Declaration):
    """offers/<name>.yaml: something to present, and to whom. Of all that a person may have, the highest priority wins."""

    description: str
    where: str
    owner: str
    priority: int
    valid_from: Expression
    valid_to: Expression | None = None


class Consent(Declaration):
    """A consent that every delivered address must have."""

    purpose: Purpose
    channel: Channel


class Destination(Declaration):
    """destinations/<name>.yaml: where files go, in which format, and what an address needs to be in one."""

    description: str
    format: str
    addresses: tuple[AddressKind, ...] = Field(min_length=1)
    consents: tuple[Consent, ...] = Field(min_length=1)
    columns: dict[str, str] = {}
    deliver_to: str = ""
