"""What machines that share a run must have in common."""

import importlib
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


def test_the_code_of_another_package_counts_where_its_jobs_are_done(tmp_path, monkeypatch):
    package = tmp_path / "jobs_of_others"
    package.mkdir()
    (package / "__init__.py").write_text("class Setup:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    setup = importlib.import_module("jobs_of_others").Setup
    here = NodeFacts.here([], setup)
    (package / "__init__.py").write_text("class Setup:\n    other = True\n")
    there = NodeFacts.here([], setup)
    (told,) = here.unlike(there)
    assert told.startswith("code of jobs_of_others ")
    assert NodeFacts.here([]).unlike(NodeFacts.here([], type(here))) == []
