"""Several judges of one `run`: each scored apart in a run folder of its own, then held against each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError
from intergeneval.plugins import load, names, split_spec

if TYPE_CHECKING:
    from intergeneval.run.run import RunResult


def judges_of(text: str | None) -> tuple[str, ...]:
    """Return the judges of a list separated by commas; none for None.

    Raises UsageError for an empty name or one given twice, and UnknownPluginError, before any of several is asked. A comma within
    the path of a folder that is there, such as that of a replayed run, separates nothing.
    """
    if text is None:
        return ()
    _, _, argument = text.partition(":")
    if argument and Path(argument).exists():
        return (text.strip(),)
    found = tuple(part.strip() for part in text.split(","))
    if not all(found):
        raise UsageError(f"--judge {text!r}: a name is empty; separate judges by one comma each")
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--judge {text!r}: {twice} is named twice; two askings of one judge say nothing of its agreement")
    for name in (split_spec(one)[0] for one in found if len(found) > 1):
        if name not in names("judges"):
            load("judges", name)
    return found


def folder_of(judge: str) -> str:
    """Return the name of the folder of one judge's run among those of several."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in judge).strip(".-")


def run_several(
    judges: tuple[str, ...], options: Mapping[str, Any], one: Callable[[dict[str, Any]], RunResult]
) -> list[RunResult]:
    """Run every judge in turn; the videos are tracked once. With ``--out DIR`` each has a folder of its own there."""
    results = []
    for judge in judges:
        out = str(Path(options["out"]) / folder_of(judge)) if options.get("out") else None
        results.append(one({**options, "judge": judge, "out": out}))
    return results


def tell(judges: tuple[str, ...], results: list[RunResult], *, as_json: bool) -> None:
    """Print how the judges agree, after what each said by itself."""
    from intergeneval.exam.between import between, between_text

    if any(not result.scores for result in results):
        echo("a shard is held against nothing; give the same judges to the plain run that finishes it", err=True)
        return
    found = between({judge: [result.store] for judge, result in zip(judges, results, strict=True)})
    echo(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) if as_json else between_text(found))
