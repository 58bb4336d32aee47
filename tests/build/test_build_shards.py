"""Shards of a build: several machines bring prompts through the steps, and a plain build makes one benchmark of them."""

from intergeneval import bench, errors
from tests.build import workshop
from tests.fakes.chat_server import ChatServer

PROMPTS = [f"A man in a red coat lifts a blue mug, take {number}." for number in range(5)]


def files(folder):
    """Return what the benchmark of a build holds, without the build folder, which tells when it was made."""
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {str(path): content for path, content in found.items() if path.parts[0] != "build" and path.suffix != ".html"}


def test_shards_and_a_plain_build_make_the_benchmark_of_one_build_and_ask_nothing_twice(tmp_path):
    for number in range(len(PROMPTS)):
        workshop.write_picture(tmp_path / f"source/s{number}.png")
    workshop.write_list(tmp_path / "source", [{"id": f"s{number}", "prompt": text} for number, text in enumerate(PROMPTS)])
    workshop.write_boxes(tmp_path / "boxes.jsonl", {f"s{number}": workshop.EVERYBODY for number in range(len(PROMPTS))})
    model = workshop.Model()
    model.scenes = {text: workshop.scene("man", "mug") for text in PROMPTS}
    given = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow", "--cache", "off")
    with ChatServer(model) as server:
        assert workshop.build(tmp_path, *given, server=server, out="whole").exit_code == errors.EXIT_OK
        asked = len(server.asked)
        for shard in ("2/2", "1/2"):
            done = workshop.build(tmp_path, *given, "--shard", shard, server=server, out="parts")
            assert (done.exit_code, "shard done" in done.stdout) == (errors.EXIT_OK, True), done.output
            assert not (tmp_path / "parts/samples.jsonl").exists()
        assert len(server.asked) == 2 * asked
        assert len(workshop.lines(tmp_path / "parts/build/cuts.shard-2-of-2.jsonl")) == 2
        # A second call of a shard finds what the first did.
        workshop.build(tmp_path, *given, "--shard", "1/2", server=server, out="parts")
        finished = workshop.build(tmp_path, *given, server=server, out="parts")
        assert finished.exit_code == errors.EXIT_OK, finished.output
        assert len(server.asked) == 2 * asked
    assert list((tmp_path / "parts/build").glob("*.shard-*.jsonl")) == []
    whole, parts = files(tmp_path / "whole"), files(tmp_path / "parts")
    assert parts.pop("bench.toml").replace(b"parts", b"whole") == whole.pop("bench.toml")
    assert parts == whole
    assert bench.check(tmp_path / "parts") == []


def test_a_shard_takes_no_review_and_prints_no_result(tmp_path):
    workshop.write_list(tmp_path / "source", [{"id": "s0", "prompt": PROMPTS[0]}])
    refused = workshop.build(tmp_path, "--text-only", "--shard", "1/2", "--json")
    assert refused.exit_code == errors.EXIT_USAGE
    assert "a shard writes no benchmark" in refused.stderr
    odd = workshop.build(tmp_path, "--text-only", "--shard", "3/2")
    assert odd.exit_code == errors.EXIT_USAGE
    assert "shard '3/2' is not of the form I/N" in odd.stderr
