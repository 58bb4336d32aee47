import subprocess

from intergeneval import provenance


def test_secrets_never_stand_in_the_stored_command():
    argv = [
        "intergeneval", "run", "--api-key", "sk-planted-1", "--token=sk-planted-2", "https://me:sk-planted-3@host/v1",
        "sk-planted-from-environment", "--model", "my videos",
    ]  # fmt: skip
    shown = provenance.redact(argv, {"SOME_API_KEY": "sk-planted-from-environment"})
    assert "planted" not in shown
    assert shown.startswith("intergeneval run --api-key '***' '--token=***' 'https://***@host/v1' '***' --model 'my videos'")


def test_versions_name_python_and_the_libraries_that_decode():
    assert {"python", "intergeneval", "numpy", "av"} <= set(provenance.versions())


def test_the_commit_says_when_the_tree_was_changed_and_is_empty_outside_a_checkout(tmp_path):
    assert provenance.commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    clean = provenance.commit(tmp_path)
    (tmp_path / "new").touch()
    assert len(clean) == 40
    assert provenance.commit(tmp_path) == clean + "+dirty"
