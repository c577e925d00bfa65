"""corrections/links.csv: what is read, and which words are refused, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from personalization_pipeline.foundation.corrections import HEADER, LINKS, link, read_links, text_of
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.project import load_project

WHO = "ann,2026-11-20,seen in the shop"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "links.csv"
    path.write_text("\n".join([",".join(HEADER), *lines]) + "\n", encoding="utf-8")
    return path


def test_a_line_is_read_in_either_order_and_written_again_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, f"b:1,a:1,same,{WHO}", "", 'a:1,c:1,never,"Bo, desk",2026-11-21,')
    found = read_links(path)
    assert found == {
        2: link("a:1", "b:1", "same", "ann", "2026-11-20", "seen in the shop"),
        4: link("c:1", "a:1", "never", "Bo, desk", "2026-11-21", ""),
    }
    path.write_text(text_of(found.values()), encoding="utf-8")
    assert list(read_links(path).values()) == list(found.values())


def test_a_key_may_hold_colons_of_its_own(tmp_path: Path) -> None:
    (found,) = read_links(written(tmp_path, f"a:x:1,a:x:2,same,{WHO}")).values()
    assert found.pair == ("a:x:1", "a:x:2")


def test_no_file_and_an_empty_one_say_nothing(tmp_path: Path) -> None:
    assert read_links(tmp_path / "links.csv") == read_links(written(tmp_path)) == {}
    (tmp_path / "links.csv").write_text("")
    assert read_links(tmp_path / "links.csv") == {}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([f"a:1,b:1,perhaps,{WHO}"], "line 2 says 'perhaps'"),
        ([f"a:1,a:1,same,{WHO}"], "line 2 names one record twice"),
        ([f"a1,b:1,same,{WHO}"], "line 2 does not name two records"),
        (["a:1,b:1,same,,2026-11-20,"], "line 2 does not say who"),
        (["a:1,b:1,same,ann,20.11.2026,"], "line 2 does not say when"),
        (["a:1,b:1,same,ann,2026-11-20"], "line 2 has 5 cells"),
        (["a:1,b:1,same,ann,2026-11-20,ann@mail.example"], "line 2 holds an address"),
        ([f"a:1,b:1,same,{WHO}", f"b:1,a:1,same,{WHO}"], "line 3 repeats line 2"),
        ([f"a:1,b:1,same,{WHO}", f"b:1,a:1,never,{WHO}"], "line 3 contradicts line 2"),
        (
            [f"a:1,d:1,never,{WHO}", f"a:1,b:1,same,{WHO}", f"c:1,b:1,same,{WHO}", f"c:1,d:1,same,{WHO}"],
            "line 2 says never, and lines 3, 4, 5 that they are the same",
        ),
        (['"a:1,b:1,same'], "a quote is never closed"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_lines(tmp_path: Path, lines: list[str], problem: str) -> None:
    with pytest.raises(ProjectError, match=problem) as refusal:
        read_links(written(tmp_path, *lines))
    assert str(refusal.value).startswith(str(tmp_path / "links.csv"))


def test_never_beside_same_is_no_contradiction(tmp_path: Path) -> None:
    lines = [f"a:1,b:1,same,{WHO}", f"b:1,c:1,never,{WHO}", f"c:1,d:1,same,{WHO}"]
    assert len(read_links(written(tmp_path, *lines))) == 3


def test_another_header_is_refused_with_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("record_key_l,record_key_r,verdict\n")
    with pytest.raises(ProjectError, match=",".join(HEADER)):
        read_links(tmp_path / "links.csv")


def test_a_project_is_refused_with_its_corrections_and_hashes_them(starter: Path) -> None:
    before = load_project(starter).text_hash()
    (starter / LINKS).parent.mkdir()
    (starter / LINKS).write_text(f"{','.join(HEADER)}\ncustomers:1,customers:2,same,{WHO}\n")
    assert load_project(starter).text_hash() != before
    assert [said.verdict for said in load_project(starter).links.values()] == ["same"]
    (starter / LINKS).write_text("nothing\n")
    with pytest.raises(ProjectError, match=r"links\.csv"):
        load_project(starter)
