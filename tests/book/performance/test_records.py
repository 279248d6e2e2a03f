"""The page on performance, from a record whose ratios are planted: what it counts, names and draws."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import planted_benchmarks as planted
import pytest

from helpers import store
from helpers.book.performance import directives, drawings, goals, overview, records, sentences
from helpers.book.performance.records import Spread

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def runs(tmp_path) -> list[records.Run]:
    return records.load(planted.plant(tmp_path))


def of(runs, file):
    return next(run for run in runs if run.file == file)


def test_what_was_written_is_read_in_the_order_of_the_page(runs, tmp_path):
    assert [run.file for run in runs] == ["cold", "imaging", "tomography", "structure", "scale", "took", "run"]
    assert of(runs, "structure").content["tables"][0]["rows"][0]["cpu"] == [0.10, 0.20, 0.10]
    assert records.load(tmp_path / "nothing") == []
    path = tmp_path / "bench_scale.json"
    path.write_bytes(path.read_bytes().replace(b"0.05", b"0.04", 1))
    with pytest.raises(store.DamagedFile, match=r"bench_scale\.json"):
        records.load(tmp_path)


def test_ratios_are_of_the_same_turn(runs):
    rows = {row.program: row for row in records.rows(of(runs, "structure").content["tables"][0])}
    assert rows["ours"].is_first
    assert rows["ours"].cpu_ratio is None
    np.testing.assert_allclose(rows["freud"].cpu_ratio, (3.0, 3.0, 3.1))
    np.testing.assert_allclose(rows["scipy"].cpu_ratio, (0.5, 0.49, 0.55))
    np.testing.assert_allclose(rows["scipy"].seconds_ratio, (0.8, 0.784, 0.88))
    assert rows["freud"].memory_ratio == 4.0
    assert rows["pyscal3"].missing
    assert not rows["pyscal3"].failed
    assert rows["mdapy"].failed


def test_a_lacking_reference_gives_no_ratio():
    found = [{"task": "a", "size": None, "program": "ours", "missing": "failed: x", "failed": True}]
    found.append(planted.case("a", "freud", [1.0], peer="freud-analysis"))
    row = records.rows({"rows": found})[1]
    assert row.cpu_ratio is None
    assert not row.is_first
    assert "–" in sentences.cases_html({"title": "t", "rows": found})


def test_fewer_turns_are_filled_with_the_median():
    assert records.ratio([1.0, 3.0], [1.0, 1.0, 2.0]) == Spread(1.0, 1.0, 3.0)


def test_the_summary_counts_and_the_slower_rows_are_named(runs):
    found = records.comparisons(runs)
    assert len(found) == 9  # 3 of neighbours, 4 sizes, 2 of denoising
    text = sentences.summary(runs)
    assert text.startswith("9 comparisons with 6 other packages are recorded: bm3d 4.0.3, freud-analysis 3.4.0,")
    assert "They were made on A processor, 2 cores, 16 GB of memory (2026-01-02)." in text
    assert "In 6 of them ours takes less CPU time, in 1 as much within the spread, in 2 more." in text
    lost = sentences.slower(found)
    assert [re.split(r"[:(]", line)[1].strip() for line in lost] == ["scipy", "scikit-image nlm"]
    assert "(1.17.1) takes 0.50 (0.49 to 0.55) of our CPU time and 0.80 (0.78 to 0.88) of our time" in lost[0]
    assert lost[1].endswith(" of our time by the clock, with 1.4 times our error")


def test_slower_by_the_clock_alone_is_named_too():
    (row,) = records.rows(
        {"rows": [planted.case("a", "ours", [1.0], seconds=[1.0]),
                  planted.case("a", "freud", [2.0], seconds=[0.5], peer="freud-analysis")]}
    )[1:]  # fmt: skip
    assert len(sentences.slower([row])) == 1


def test_missing_programs_and_failed_cases_are_named(runs):
    slow = "neighbours, 1,000,000; list to motifs, 1,000,000: pyscal3, left out: 9 s at 76,238"
    assert sentences.left_out(runs) == [
        "pyscal3 was not installed (neighbours)", slow, "neighbours, mdapy: failed: E: no"
    ]  # fmt: skip


def test_growth_is_judged(runs):
    table = of(runs, "scale").content["tables"][0]
    assert set(records.growth(table)) == {("list to motifs", "ours"), ("list to motifs", "Python")}
    uneven = records.unevenness(records.growth(table)["list to motifs", "Python"])
    assert uneven == pytest.approx(1000**0.1 - 1)
    even, other = sentences.linearity(table)
    assert "differs by 0% from 10,000 to 10,000,000 atoms (linear within 20%)" in even
    assert "differs by 100%" in other
    assert "not linear" in other
    assert records.growth(of(runs, "structure").content["tables"][0]) == {}


def test_growth_is_judged_without_the_time_of_the_system_where_that_is_known():
    case = {"task": "motifs", "program": "ours", "peer": None, "version": None, "seconds": [1.0], "memory": 0}
    each = [
        {**case, "size": n, "cpu": [2e-6 * n * (n / 1e4) ** 0.1], "user": [1e-6 * n]} for n in (10**4, 10**5, 10**6)
    ]
    series = records.growth({"rows": each})["motifs", "ours"]
    assert records.unevenness(series) == pytest.approx(0, abs=1e-12)
    assert records.unevenness([row._replace(user=None) for row in series]) == pytest.approx(100**0.1 - 1)


def test_the_figure_of_ratios_has_a_line_at_one_and_every_spread(runs):
    found = [row for row in records.comparisons(runs) if row.task == "neighbours"]
    figure = drawings.draw_ratios(found)
    cpu = figure.data[0]
    np.testing.assert_allclose(cpu.x, [3.0, 0.5, 1.0])
    np.testing.assert_allclose(cpu.error_x.array, [0.1, 0.05, 0.05], atol=1e-12)
    np.testing.assert_allclose(cpu.error_x.arrayminus, [0.0, 0.01, 0.1], atol=1e-12)
    assert figure.layout.xaxis.type == "log"
    assert any(shape.x0 == shape.x1 == 1 for shape in figure.layout.shapes)
    low, high = figure.layout.xaxis.range
    assert low < np.log10(0.49)
    assert high > np.log10(4.0)
    assert figure.layout.yaxis.ticktext == ("neighbours<br>freud", "neighbours<br>scipy", "neighbours<br>OVITO")


def test_the_overview_has_a_dot_for_every_comparison_open_where_less_accurate(runs):
    figure = overview.draw_overview(runs)
    assert sum(len(trace.x) for trace in figure.data) == 9
    assert {trace.name for trace in figure.data} >= {"scipy 1.17.1", "scikit-image 0.26.0", "bm3d 4.0.3"}
    symbols = {trace.name: trace.marker.symbol for trace in figure.data}
    assert symbols["scikit-image 0.26.0"][0].endswith("-open")
    assert not symbols["bm3d 4.0.3"][0].endswith("-open")
    assert len(figure.layout.yaxis.ticktext) == len(figure.layout.meta["narrow"]["yaxis.ticktext"]) == 6
    (scipy,) = (trace for trace in figure.data if trace.name == "scipy 1.17.1")
    assert scipy.x == (0.5,)
    assert "CPU time 0.50 (0.49 to 0.55) × ours<br>time by the clock 0.80" in scipy.text[0]
    assert sum(shape.y0 == shape.y1 for shape in figure.layout.shapes) == 1, "a line between imaging and structure"


def test_missed_goals_are_named(runs, monkeypatch):
    common = ("structure", "neighbours", "program=freud", "cpu_ratio")
    rows = [goals.Goal("a", "2", "> 1", "x", *common), goals.Goal("b", "", "< 2.9", "", *common),
            goals.Goal("c", "", "< 3", "", "film", "", "", "")]  # fmt: skip
    monkeypatch.setattr(goals, "goals", lambda: rows)
    text, missed = goals.tally(runs)
    assert text == "Of 3 goals 1 are met and 1 missed; of 1 nothing is recorded."
    assert missed == ["b: 3.00 (3.00 to 3.10) instead of less than 2.9"]


def test_growth_is_drawn_per_atom(runs):
    figure = drawings.draw_growth(of(runs, "scale").content["tables"][0])
    ours = figure.data[0]
    np.testing.assert_allclose(ours.x, [1e4, 1e5, 1e6, 1e7])
    np.testing.assert_allclose(ours.y, 5 * 1.025)
    assert figure.layout.yaxis.title.text == "CPU time / atom [µs]"
    assert figure.layout.yaxis2.title.text == "peak memory / atom [bytes]"
    assert figure.layout.xaxis.title.text == "number of atoms"


def test_errors_are_drawn_with_their_unit(runs):
    figure = drawings.draw_errors(of(runs, "imaging").content["tables"][0])
    assert figure.layout.yaxis.title.text == "r.m.s. error [counts]"
    assert {trace.name: trace.y[0] for trace in figure.data} == {"cosine": 1.02, "bm3d": 1.0, "scikit-image nlm": 1.4}
    assert drawings.draw_errors(of(runs, "structure").content["tables"][0]) is None


def test_a_table_is_drawn_as_its_file_asked(runs):
    figure = drawings.draw_table(of(runs, "tomography").content["tables"][0])
    assert len(figure.data) == 6  # three programs, two objects
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.title.text == "seconds [s]"
    bars = drawings.draw_table(of(runs, "cold").content["tables"][0])
    assert sum(sum(trace.x) for trace in bars.data) == pytest.approx(18.0)
    assert drawings.draw_table(of(runs, "took").content["tables"][0]) is None


def test_every_figure_has_a_name_of_its_own_a_caption_and_titles(runs):
    drawn = [each for section in records.SECTIONS
             for each in directives.figures(section, [run for run in runs if run.section == section])]  # fmt: skip
    assert len(drawn) == len({each.name for each in drawn}) == 6
    for each in drawn:
        assert each.caption.endswith(".")
        assert re.fullmatch(r"fig-performance-[\w-]+", each.name)
        layout = json.loads(each.figure.to_json())["layout"]
        assert layout["xaxis"]["title"]["text"]
        assert "NaN" not in each.figure.to_json()
        assert all("%{x" in trace.hovertemplate or "%{text}" in trace.hovertemplate for trace in each.figure.data)
        assert each.caption.count("Made on A processor, 2 cores, 16 GB of memory (2026-01-02), at commit abcdef1") == 1


def test_origin_names_computer_versions_dates_and_loads(runs):
    computer, versions = sentences.computer(runs)
    assert computer == "Computer: A processor, 2 cores, 16 GB of memory, Linux x86_64."
    assert "python 3.11.7" in versions
    html = sentences.provenance_html(runs)
    assert "<tr><td>structure</td><td>2026-01-02</td><td>abcdef1</td><td>0.1</td><td>0.1</td><td>1.5</td></tr>" in html


@pytest.mark.parametrize(
    ("file", "table", "where", "take", "expected"),
    [
        ("structure", "neighbours", "program=freud", "cpu_ratio", (3.0, 3.0, 3.1)),
        ("structure", "neighbours", "program=ours", "memory", (50.0, 50.0, 50.0)),
        ("scale", "list to motifs", "program=ours;size=1000000", "cpu", (5.125, 5.0, 5.25)),
        ("scale", "sum", "program=ours;size=1000000", "list to motifs", (3.203125, 3.125, 3.28125)),
        ("imaging", "denoising", "program=bm3d", "error_ratio", (1 / 1.02,) * 3),
        ("cold", "Compiling the kernels", "stage=imaging", "CPU", (6.0, 6.0, 6.0)),
        ("structure", "neighbours", "", "cpu_ratio", (0.5, 0.49, 0.55)),
        ("scale", "list to motifs", "program=ours", "growth", (0.0, 0.0, 0.0)),
        ("scale", "list to motifs", "program=Python", "growth", (100 * (1000**0.1 - 1),) * 3),
        ("structure", "neighbours", "program=ours", "growth", None),
        ("structure", "neighbours", "program=pyscal3", "cpu_ratio", None),
        ("scale", "sum", "size=7", "list to motifs", None),
        ("film", "anything", "", "seconds", None),
    ],
)
def test_a_goal_is_found_in_the_record(runs, file, table, where, take, expected):
    found = goals.found_for(goals.Goal("", "", "< 1", "", file, table, where, take), runs)
    assert (found is None) == (expected is None)
    if expected is not None:
        np.testing.assert_allclose(found.value, expected, atol=1e-9)
        assert (found.load, found.date) == (0.12, "2026-01-02")


def test_a_ratio_names_the_other_program_and_a_command_its_own_load(runs):
    found = goals.found_for(goals.Goal("", "", "> 1", "", "structure", "neighbours", "", "cpu_ratio"), runs)
    assert found.beside == "scipy (1.17.1)"
    took = goals.Goal("", "", "< 360", "s", "took", "Building", "command=make book", "seconds")
    assert goals.found_for(took, runs)[1:] == ("", 1.7, "2026-01-05")


def test_goals_are_judged_and_what_is_not_recorded_says_so(runs, monkeypatch):
    common = ("structure", "neighbours", "program=freud", "cpu_ratio")
    rows = [goals.Goal("a", "2", "> 1", "x", *common), goals.Goal("b", "", "< 2.9", "", *common),
            goals.Goal("c", "", "< 3", "", "film", "", "", "")]  # fmt: skip
    monkeypatch.setattr(goals, "goals", lambda: rows)
    html = goals.goals_html(runs)
    met = r'<td>a \[x\]</td><td>2</td><td>&gt; 1</td><td>3.00 \(.* to 3.10\)</td><td class="met">met</td>'
    assert re.search(met + "<td>freud .3.4.0.</td><td>0.1</td></tr>", html)
    assert "<p>All of 2026-01-02.</p>" in html
    assert html.count('<td class="missed">missed</td>') == 1
    assert "<tr><td>c</td><td>–</td><td>&lt; 3</td><td>–</td><td>not recorded</td><td></td>" in html
    lines = goals.goals_text(runs).splitlines()
    assert re.fullmatch(r"2 +> 1 +3.00 \(3.00 to 3.10\) +met +a \[x\]", lines[1])
    assert re.fullmatch(r" +< 2.9 +3.00 \(3.00 to 3.10\) +missed +b", lines[2])
    assert re.fullmatch(r" +< 3 +not recorded +c", lines[3])


def test_the_list_of_goals_is_well_formed():
    for goal in goals.goals():
        assert re.fullmatch(r"[<>] \d+(\.\d+)?", goal.limit), goal
        assert goal.file in {file for files in records.SECTIONS.values() for file in files}, goal
        assert goal.before == "" or float(goal.before) > 0


def test_every_bench_file_has_its_section():
    known = {file for files in records.SECTIONS.values() for file in files}
    files = {path.stem.removeprefix("bench_") for path in (ROOT / "benchmarks").glob("bench_*.py")}
    assert files <= known, "name it in records.SECTIONS"
    page = (ROOT / "book" / "performance.md").read_text(encoding="utf-8")
    assert re.findall(r"\{performance-section\} (\w+)", page) == list(records.SECTIONS)


def test_what_is_recorded_is_of_full_size_and_whole():
    for run in records.load():
        assert run.content["quick"] is False, run.file
        assert {"machine", "commit", "versions", "tables"} <= set(run.content)
