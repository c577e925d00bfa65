"""Learning anew is a job of its own: nobody schedules it, and every other night goes on with the models that there are."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from personalization_pipeline.definitions import build
from personalization_pipeline.foundation.assets import AS_OF_TAG
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline_tests.ingest.shop import land, make_shop


def test_the_training_job_learns_models_anew_and_the_nightly_one_keeps_them(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    definitions, store, kept = build(shop), Store(load_project(shop).store), []
    with dg.instance_for_test() as instance:
        for job, day in (("nightly", "2026-07-01"), ("nightly", "2026-07-02"), ("training", "2026-07-03")):
            made = definitions.resolve_job_def(job)
            assert made.execute_in_process(instance=instance, tags={AS_OF_TAG: f"{day}T02:00:00Z"}).success
            kept.append(store.record(store.current())["artefacts"]["identity"])
            land(shop, {"customers/july.csv": "id,name,changed\n3,Roe,2026-06-20\n"})
    assert kept[0] == kept[1] != kept[2]
    (schedule,) = definitions.schedules or []
    assert schedule.job_name == "nightly"  # type: ignore[union-attr]
