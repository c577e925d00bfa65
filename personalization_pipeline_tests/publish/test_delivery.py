"""Delivery: what the world has seen is a fact. A file goes out once, with its certificate, and leaves a receipt."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project, load_project
from personalization_pipeline.publish.delivery import deliver, undelivered
from personalization_pipeline.publish.record import certified_files
from personalization_pipeline_tests.conftest import Night

NIGHT = "20260701T020000Z-r1"


@pytest.fixture
def project(demo_copy: Path) -> Project:
    """The demo, its night delivered."""
    return load_project(demo_copy)


def current(project: Project) -> Path:
    folder = Store(project.store).current()
    assert folder is not None
    return folder


def receipts(project: Project) -> list[Path]:
    return sorted((project.landing / "_receipts").iterdir())


def test_a_delivered_file_is_the_certified_one_with_its_certificate(project: Project) -> None:
    (done,) = deliver(project, current(project))
    assert not done.is_new
    assert done.target == project.store / "delivered" / "newsletter" / NIGHT / "win_back.csv"
    assert done.target.read_bytes() == (current(project) / "files" / "newsletter" / "win_back.csv").read_bytes()
    assert verify(done.target)


def test_a_receipt_says_what_went_where_and_whose_bytes(project: Project) -> None:
    (receipt,) = receipts(project)
    content = json.loads(receipt.read_text(encoding="utf-8"))
    sha256 = hashlib.sha256((current(project) / "files" / "newsletter" / "win_back.csv").read_bytes()).hexdigest()
    assert content.pop("delivered_at").endswith("Z")
    lines = (current(project) / "files" / "newsletter" / "win_back.csv").read_text(encoding="utf-8").splitlines()
    assert content == {
        "audience": "win_back",
        "destination": "newsletter",
        "file": f"{NIGHT}/win_back.csv",
        "night": NIGHT,
        "row_count": len(lines) - 1,
        "sha256": sha256,
    }
    assert receipt.name == f"newsletter__win_back__20260701T020000Z__{sha256[:16]}.json"


def test_delivering_twice_sends_once(project: Project) -> None:
    (before,) = receipts(project)
    text = before.read_bytes()
    assert [done.is_new for done in deliver(project, current(project))] == [False]
    assert (receipts(project), before.read_bytes()) == ([before], text)
    assert undelivered(project, current(project)) == []


def test_a_file_that_its_receiver_lost_is_not_sent_again(project: Project) -> None:
    (sent,) = deliver(project, current(project))
    sent.target.unlink()
    assert [done.is_new for done in deliver(project, current(project))] == [False]
    assert not sent.target.exists(), "who wants it again removes the receipt"


def test_without_its_receipt_a_file_goes_out_again_to_the_same_place(project: Project) -> None:
    (receipt,) = receipts(project)
    receipt.unlink()
    assert [file.name for file in undelivered(project, current(project))] == ["win_back.csv"]
    (done,) = deliver(project, current(project))
    assert done.is_new
    assert receipts(project) == [receipt]
    assert len(list((project.store / "delivered").rglob("*.csv"))) == 1


def test_a_revision_with_the_same_bytes_is_not_sent_again_and_another_one_is(project: Project) -> None:
    revision = Path(shutil.copytree(current(project), current(project).with_name("20260701T020000Z-r2")))
    assert [done.is_new for done in deliver(project, revision)] == [False]
    changed = revision / "files" / "newsletter" / "win_back.csv"
    changed.write_bytes(changed.read_bytes()[:-1])
    assert [done.is_new for done in deliver(project, revision)] == [True]
    assert len(receipts(project)) == 2


def test_what_carries_no_certificate_stays_at_home(project: Project) -> None:
    stray = current(project) / "files" / "newsletter" / "everybody.csv"
    stray.write_text("email\n", encoding="utf-8")
    assert [file.name for file in certified_files(current(project))] == ["win_back.csv"]
    assert [done.audience for done in deliver(project, current(project))] == ["win_back"]
    assert not list(project.store.rglob("delivered/**/everybody.csv"))


def test_a_night_whose_delivery_fails_stands_and_is_delivered_by_the_next_run(demo_copy: Path, night: Night) -> None:
    newsletter = demo_copy / "destinations" / "newsletter.yaml"
    newsletter.write_text(newsletter.read_text(encoding="utf-8") + "deliver_to: outbox/mail\n", encoding="utf-8")
    (demo_copy / "outbox").write_text("a file where a folder should be", encoding="utf-8")
    shutil.rmtree(demo_copy / "landing" / "_receipts")
    code, said = night(demo_copy)
    assert code == 3
    assert "pushed_files failed: " in said
    assert "the night stands, the next run delivers it" in said
    project = load_project(demo_copy)
    assert current(project).name == "20260701T020000Z-r2"
    (demo_copy / "outbox").unlink()
    code, said = night(demo_copy)
    assert (code, "Delivered 1 files." in said) == (0, True)
    assert (demo_copy / "outbox" / "mail" / "20260701T020000Z-r2" / "win_back.csv").is_file()
