"""A customer data platform that is a DAG: one night = f(yesterday, landing, project, artefacts, as_of).

    landing/  ->  ingest    landed files become typed facts; nothing is lost, refused rows are kept
              ->  resolve   records become people with ids that last, and with the consent of their addresses
              ->  segment   people get features and named groups
              ->  analyze   features become scores; everything analysts and rules see meets in `profiles`
              ->  activate  rules choose audiences; each person is dropped once, for one reason; files are rendered
              ->  publish   the night adds up and passes its checks, is committed whole, then delivered

A phase is a folder here, a group in Dagster, a folder of tests and a heading in the README. Data and imports run one
way along PHASES; what they share, knowing none of them, is `foundation`. `definitions` is the only module that knows
all phases. Everything that a business person would argue about is a file in a project folder, not code.
"""

PHASES = ("ingest", "resolve", "segment", "analyze", "activate", "publish")

__version__ = "0.1.0"
