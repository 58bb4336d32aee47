"""What machines that share a run must have in common."""

from dataclasses import replace

from intergeneval.run.node_facts import NodeFacts


def test_a_machine_is_like_itself_and_the_small_computation_gives_the_same_each_time(tmp_path):
    assert NodeFacts.here([tmp_path]).unlike(NodeFacts.here([tmp_path])) == []


def test_other_packages_other_code_and_other_files_are_named_with_both_sides(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    here = NodeFacts.here([tmp_path, tmp_path / "run.json", tmp_path / "nothing"])
    there = replace(here, versions={**here.versions, "numpy": "1.0", "code": "0"}, seen={str(tmp_path): "folder"})
    (tmp_path / "run.json").write_text("{} ")
    changed = NodeFacts.here([tmp_path, tmp_path / "run.json"])
    assert here.unlike(there) == [
        f"code 0 there, {here.versions['code']} here",
        f"numpy 1.0 there, {here.versions['numpy']} here",
        f"{tmp_path / 'run.json'} is not visible there",
    ]
    assert here.unlike(changed) == [f"{tmp_path / 'run.json'} is another file there"]
