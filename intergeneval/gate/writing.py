"""A verdict for those who wait for it: plain text, JSON, JUnit XML, GitHub-flavoured Markdown. Pure.

Names of models and baselines are other people's text: XML is written by a serializer and loses what XML 1.0 cannot hold,
Markdown gets every active character as a numeric reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from intergeneval.gate.verdict import exit_code, units
from intergeneval.records import CONTRAST, Comparison, Completeness, Outcome, RunHeader, Verdict
from intergeneval.stats import PRIMARY, left_out, metric_name

_XML_REFUSES = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN_ACTIVE = re.compile(r"[^\w .,:;+/%=()\-]|_")
_BREAKS = re.compile(r"\s+")
_OUTCOME = {PRIMARY: "Interaction fidelity", CONTRAST: "Contrast over twins"}
"""The outcome that decides, as a title says it."""
_WORDS = {Outcome.PASS: "pass", Outcome.REGRESSION: "regression", Outcome.INCONCLUSIVE: "inconclusive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """All that the gate has to say."""

    verdict: Verdict
    """The verdict on IF, or on contrast where that was asked."""
    comparisons: tuple[Comparison, ...]
    """All outcomes, the one that decides first."""
    completeness: Completeness
    """How much of the run is scored."""
    baseline: Completeness
    """How much of the baseline is scored, by what it allowed itself."""
    header: RunHeader
    """Header of the run."""
    baseline_header: RunHeader
    """Header of the baseline."""
    unbounded: tuple[str, ...] = ()
    """Names of run and baseline whose scores were stored before there were bounds, so that their gaps are not known."""

    def exit_code(self, *, strict: bool) -> int:
        """Return the exit code of the contract."""
        return exit_code(self.verdict, self.completeness if self.baseline.complete else self.baseline, strict=strict)

    @property
    def complete(self) -> bool:
        """Whether run and baseline both hold the scores they should."""
        return self.completeness.complete and self.baseline.complete

    @property
    def title(self) -> str:
        """The verdict in one word, or that a run is incomplete."""
        return _WORDS[self.verdict.outcome] if self.complete else "incomplete"

    def incomplete_text(self) -> str:
        """Return what is missing, of the run and of the baseline; empty where both are complete."""
        both = (("the run", self.completeness), ("the baseline", self.baseline))
        return "; ".join(
            f"{name} is incomplete: {found.missing} videos missing and {found.unscored} unscored of {found.expected},"
            f" allowed share {found.allowed:g}, run it again to finish what can be finished"
            for name, found in both
            if not found.complete
        )

    def notes(self) -> list[str]:
        """Return what else a reader should know, one sentence each."""
        item = self.verdict.comparison
        few = f"only {item.prompts} of {item.prompts_total} {units(item)} are in both runs" if 0 < item.coverage < 1 else ""
        # What the reason says already is not said again.
        found = [text for text in (item.caveat, few) if text and text not in self.verdict.reason]
        if unpaired := left_out(item):
            found.append(unpaired)
        if item.partial:
            found.append(f"not assessed in either run: {', '.join(item.partial)}; scores are upper bounds")
        found += [
            f"the scores of {name} were stored before there were bounds and stand for themselves alone; store or run it anew"
            for name in self.unbounded
        ]
        found += [f"{name} has {header.own_masks_text}" for name, header in self._both() if header.own_masks]
        if not self.complete:
            found.append(self.incomplete_text())
        return found

    def _both(self) -> tuple[tuple[str, RunHeader], ...]:
        """Baseline and run, by their names."""
        item = self.verdict.comparison
        return (item.baseline, self.baseline_header), (item.candidate, self.header)

    def as_object(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints."""
        return {
            "title": self.title,
            "verdict": self.verdict.to_json(),
            "comparisons": [item.to_json() for item in self.comparisons],
            "completeness": self.completeness.to_json(),
            "baseline_completeness": self.baseline.to_json(),
            "own_masks": {name: list(header.own_masks) for name, header in self._both() if header.own_masks},
        }

    def text(self) -> str:
        """Return the verdict in a few lines."""
        item = self.verdict.comparison
        lines = [f"{self.title.upper()}: {item.candidate} against {item.baseline}", self.verdict.reason, *self.notes()]
        return "\n".join(lines)


def junit(result: GateResult, *, strict: bool = False) -> str:
    """Return JUnit XML with two test cases: run and baseline are complete, and IF has not fallen.

    A regression is a failure, an incomplete run or baseline an error, and an inconclusive verdict skipped, or a failure when
    `strict`.
    """
    verdict = result.verdict
    failed = verdict.outcome is Outcome.REGRESSION or (strict and verdict.outcome is Outcome.INCONCLUSIVE)
    skipped = verdict.outcome is Outcome.INCONCLUSIVE and not failed
    suite = ElementTree.Element(
        "testsuite",
        name="intergeneval gate",
        tests="2",
        failures=str(int(failed)),
        errors=str(int(not result.complete)),
        skipped=str(int(skipped)),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(result).items():
        ElementTree.SubElement(properties, "property", name=name, value=_xml_text(value))
    whole = _case(suite, "the run is complete", result.header.model)
    if not result.complete:
        ElementTree.SubElement(whole, "error", message=_xml_text(result.incomplete_text()))
    fidelity = _case(suite, f"{_OUTCOME[verdict.comparison.metric].lower()} has not fallen", result.header.model)
    if failed or skipped:
        said = ElementTree.SubElement(fidelity, "failure" if failed else "skipped", message=_xml_text(verdict.reason))
        if failed:
            said.set("type", verdict.outcome.value)
    ElementTree.SubElement(fidelity, "system-out").text = _xml_text(result.text())
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def markdown(result: GateResult) -> str:
    """Return a GitHub-flavoured Markdown summary: verdict, its reason, a table of all outcomes, and how the runs were made."""
    item = result.verdict.comparison
    say = markdown_text
    lines = [
        f"## {_OUTCOME[item.metric]}: {result.title}",
        "",
        f"**{say(item.candidate)}** against **{say(item.baseline)}**, tolerance {result.verdict.tolerance:g}.",
        "",
        f"{_capital(say(result.verdict.reason))}.",
        "",
        *(f"- {_capital(say(note))}." for note in result.notes()),
        "",
        f"| outcome | {say(item.baseline)} | {say(item.candidate)} | difference | 95 % interval | p | over |",
        "|---|---|---|---|---|---|---|",
        *(_markdown_row(row) for row in result.comparisons if row.difference is not None),
        "",
        "The first row decides, by its interval, which holds the difference whatever the missing answers are. The others are"
        " secondary, their p adjusted by Holm. Differences are run minus baseline over the videos scored in both, paired by"
        " prompt and seed.",
        "",
        f"Benchmark {say(result.header.bench)} {say(result.header.bench_version)}, judge"
        f" {say(result.header.comparability.judge)}, tracker {say(result.header.comparability.tracker)}, profile"
        f" {result.header.comparability.profile.value}, key {result.header.comparability.key[:8]}.",
    ]
    return "\n".join(lines) + "\n"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{round(value, 3) + 0.0:+.3f}"  # adding 0.0 turns -0.0 into 0.0


def _markdown_row(item: Comparison) -> str:
    interval = "" if item.low is None or item.high is None else f"{_signed(item.low)} to {_signed(item.high)}"
    p = "" if item.p_adjusted is None else ("&lt;0.001" if item.p_adjusted < 0.001 else f"{item.p_adjusted:.3f}")
    cells = [
        markdown_text(metric_name(item.metric)),
        f"{item.baseline_mean:.3f}",
        f"{item.candidate_mean:.3f}",
        _signed(item.difference),
        interval,
        p,
        f"{item.prompts} {units(item)}",
    ]
    return f"| {' | '.join(cells)} |"


def _properties(result: GateResult) -> dict[str, str]:
    item = result.verdict.comparison
    values: dict[str, Any] = {
        "outcome": result.verdict.outcome.value,
        "baseline": item.baseline,
        "run": item.candidate,
        "tolerance": result.verdict.tolerance,
        "difference": item.difference,
        "low": item.low,
        "high": item.high,
        "lowest": item.lowest,
        "highest": item.highest,
        "videos_without_an_answer": item.unanswered,
        "prompts": item.prompts,
        "prompts_needed": result.verdict.prompts_needed,
        "key": result.header.comparability.key,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _case(suite: ElementTree.Element, name: str, model: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=_xml_text(f"intergeneval.gate.{model}"), name=name, time="0")


def _xml_text(text: str) -> str:
    return _XML_REFUSES.sub("\ufffd", text)


def markdown_text(text: str) -> str:
    """Return a text on one line with every character that Markdown acts on as a numeric reference."""
    return _MARKDOWN_ACTIVE.sub(lambda found: f"&#{ord(found.group())};", _BREAKS.sub(" ", text))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
