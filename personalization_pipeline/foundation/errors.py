"""Everything that the pipeline refuses, split by who has to act. Nothing else is raised on purpose.

    PipelineError
    ├── FixTheFile        a person edits a file of the project, or the command line
    │   ├── ProjectError      project.yaml or a declaration does not load, or names something that does not exist
    │   ├── RuleError         a rule names an unknown column or does something that a rule may not do
    │   ├── TableError        a SELECT file breaks the header grammar, the lint or the lineage
    │   └── MissingArgument   the command was called without something that it needs
    ├── LookAtTheData     the data breaks a promise; nobody guesses what was meant
    │   ├── SourceRefused     one landed file cannot be read as its source declares (the others go on)
    │   ├── GateRefused       a check failed or the night does not add up: it is not committed
    │   └── ProofFailed       a delivered file is not the file that its certificate describes
    └── TryAgain          the project and the data may be fine; the world was not ready
        ├── StoreLocked       another run holds the store
        ├── DiskFull          too little room to build a night
        ├── LandingGone       the landing folder cannot be read, or holds no file of any source
        └── InputGone         a night cannot be built again: something that it was made of is no longer there

Messages never contain a person's data: file names, column names and counts only.
Does not belong here: deciding what to do about a refusal.
"""

from __future__ import annotations

from pathlib import Path


class PipelineError(Exception):
    """A refusal that says where, what was wrong and what would be right.

    `str(error)` is `<where>: <problem>` and, on a line of its own, `Fix: <remedy>`.
    """

    exit_code = 2

    def __init__(self, problem: str, *, fix: str, where: Path | str | None = None) -> None:
        self.problem = problem
        self.fix = fix
        self.where = None if where is None else str(where)
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.problem}\nFix: {self.fix}"


class FixTheFile(PipelineError):
    """A person edits a file of the project, or the command line."""


class ProjectError(FixTheFile):
    """project.yaml or a declaration does not load, or names something that does not exist."""


class RuleError(FixTheFile):
    """A rule names an unknown column or does something that a rule may not do."""


class TableError(FixTheFile):
    """A SELECT file breaks the header grammar, the lint or the lineage."""


class MissingArgument(FixTheFile):
    """The command was called without something that it needs."""


class LookAtTheData(PipelineError):
    """The data breaks a promise; nobody guesses what was meant."""


class SourceRefused(LookAtTheData):
    """One landed file cannot be read as its source declares. The run goes on without it (exit code 3)."""

    exit_code = 3


class GateRefused(LookAtTheData):
    """A check failed or the night does not add up: it is not committed."""


class ProofFailed(LookAtTheData):
    """A delivered file is not the file that its certificate describes."""


class TryAgain(PipelineError):
    """The project and the data may be fine; the world was not ready."""


class StoreLocked(TryAgain):
    """Another run holds the store."""


class DiskFull(TryAgain):
    """Too little room to build a night."""


class LandingGone(TryAgain):
    """The landing folder cannot be read, or holds no file of any source."""


class InputGone(TryAgain):
    """A night cannot be built again: something that it was made of is no longer there."""
