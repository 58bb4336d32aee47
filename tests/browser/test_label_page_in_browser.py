"""The blind sheet in a real browser, opened from a disk."""

import numpy as np
import pytest

from matrix_train.study.label_page import ShownClip, write_page

POISON = '</script><script>window.owned=1</script><img src=x onerror="window.owned=2">'


def clip(number, prompt="a man waves to a woman"):
    """Five plain frames, each brighter than the one before."""
    frames = [np.full((32, 48, 3), 30 + 40 * place, dtype=np.uint8) for place in range(5)]
    return ShownClip(
        id=f"c{number:03d}", prompt=prompt, legend=[("red", "man in a hat"), ("cyan", prompt)],
        questions=[(place, f"Question {place} about {prompt}?") for place in range(1, 11)], first=frames[0], frames=frames,
        fps=8.0, contact=frames[0],
    )  # fmt: skip


@pytest.fixture(scope="session")
def sheet(tmp_path_factory):
    root = tmp_path_factory.mktemp("labels")
    write_page(root / "sheet.html", "abc123", [clip(1), clip(2), clip(3, POISON)])
    return root


def test_a_sheet_is_labelled_with_the_keyboard_saved_and_gone_on_with(drive, sheet):
    seen = drive("label", sheet, "sheet.html")
    assert seen["questions"] == 10
    assert seen["legend"] == ["red: man in a hat", "cyan: a man waves to a woman"]
    assert seen["first"][:3] == pytest.approx([30] * 3, abs=4)
    assert (seen["stepped"], seen["second"][:3]) == ("2 of 5", pytest.approx([70] * 3, abs=4))
    assert seen["here"] == 3
    assert seen["told"] == "1 of 3 clips done"
    assert seen["clip"] == "c002 (2 of 3)"
    assert seen["played"] == "Play"
    assert seen["name"] == "labels.json"
    first = {"1": "yes", "2": "no", "3": "yes", **{str(place): "no" for place in range(4, 11)}}
    assert seen["saved"] == {
        "schema": 1, "sheet": "abc123", "labeller": "any [y] name", "labels": {"c001": first, "c002": {"5": "unsure"}},
    }  # fmt: skip
    assert seen["fresh"] == "0 of 3 clips done"
    assert seen["loaded"] == "any [y] name"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_or_critical_violation_on_the_sheet(drive, sheet, scheme):
    seen = drive("axe", sheet, "sheet.html", scheme=scheme)
    assert seen["checked"] > 10
    assert [item for item in seen["violations"] if item["impact"] in ("serious", "critical")] == []


def test_a_prompt_that_tries_to_break_out_of_the_sheet_shows_as_text(drive, tmp_path):
    write_page(tmp_path / "sheet.html", "abc123", [clip(1, POISON)])
    seen = drive("open", tmp_path, "sheet.html")
    assert seen["owned"] is None
    assert POISON in seen["text"]
