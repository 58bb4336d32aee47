"""How many interactions are found in captions, and how many wrongly, by category: by the rules, and by replies of a reader.

    cd reports/curation
    python interactions.py captions/by-hand.jsonl                                  # the rules read
    python interactions.py captions/by-hand.jsonl captions/by-hand-replies.jsonl   # a reader of the captions alone
    python interactions.py staged [captions/staged-replies.jsonl]                  # 200 staged prompts, whose truth is known

Captions are lines with id, caption, interactions (subject, verb, object, category) and optionally `also`, further categories that
would be as right, by interaction. Replies are lines with id and reply, what a reader answered to the question of a build. An
interaction is found where subject, verb and object agree: of subject and object the head noun, of the verb its first word, all
without endings. A category is right where it is the true one or one of `also`.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from intergeneval.judges.inquiries import InquiryError
from intergeneval.judges.scenes import read_scene
from intergeneval.staged import scene
from intergeneval.verbs.prompts import read_prompt

CUT = re.compile(r"\b(in|on|with|at|of|from|who|whose|that|which|wearing|holding|under|beside|behind|near)\b.*")


def head(phrase: str) -> str:
    """Return the head noun of a phrase, without its plural ending."""
    words = re.findall(r"[a-z]+", CUT.sub("", phrase.lower())) or re.findall(r"[a-z]+", phrase.lower()) or [""]
    return stem(words[-1])


def stem(word: str) -> str:
    """Return a word without its ending."""
    for ending in ("ies", "es", "s", "ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("ei")
    return word.rstrip("ei")


def verb(words: str) -> str:
    """Return a verb's first word without its ending."""
    return stem((re.findall(r"[a-z]+", words.lower()) or [""])[0])


def by_rules(caption: str) -> list[tuple[str, str, str, str]]:
    """Return what the rules read."""
    found = read_prompt(caption)
    names = {item.id: item.appearance or item.class_ for item in found.instances}
    return [(names[act.subject], act.verb, names[act.object], str(act.category or "")) for act in found.interactions]


def by_reader(caption: str, reply: object) -> list[tuple[str, str, str, str]] | None:
    """Return what a reply says, held to the rules of a build; None where these refuse it."""
    try:
        found = read_scene(json.dumps(reply), caption)
    except InquiryError:
        return None
    names = {item["id"]: item["appearance"] or item["class"] for item in found["instances"]}
    return [(names[act["subject"]], act["verb"], names[act["object"]], act["category"]) for act in found["interactions"]]


def staged() -> list[dict[str, Any]]:
    """Return 200 staged prompts with their truth."""
    rows = []
    for index in range(200):
        sample = scene(4242, index).sample()
        names = {item.id: item.appearance or item.class_ for item in sample.instances}
        acts = [
            {"subject": names[act.subject], "verb": act.verb, "object": names[act.object], "category": str(act.category)}
            for act in sample.interactions
        ]
        rows.append({"id": f"staged-{index:03d}", "caption": sample.prompt, "interactions": acts})
    return rows


def main() -> None:
    """Read, compare and print."""
    given_rows = sys.argv[1] != "staged"
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()] if given_rows else staged()
    replies = None
    if len(sys.argv) > 2:
        given = (json.loads(line) for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines())
        replies = {item["id"]: item["reply"] for item in given}
    true, hit, right = Counter[str](), Counter[str](), Counter[str]()
    wrong, refused, empty, silent = Counter[str](), 0, 0, 0
    for row in rows:
        if replies is not None and row["id"] not in replies:
            continue
        read = by_rules(row["caption"]) if replies is None else by_reader(row["caption"], replies[row["id"]])
        refused += read is None
        left = [(head(one), verb(act), head(other), kind, (one, act, other)) for one, act, other, kind in read or ()]
        if not row["interactions"]:
            empty += 1
            silent += not left
        for index, item in enumerate(row["interactions"]):
            kind = item["category"]
            true[kind] += 1
            wanted = (head(item["subject"]), verb(item["verb"]), head(item["object"]))
            # Two of a kind who do it to each other are two instances to whoever has to tell them apart.
            pair = (wanted[0], wanted[1], wanted[0]) if wanted[2] == "other" else wanted
            match = next((place for place, found in enumerate(left) if found[:3] in (wanted, pair)), None)
            if match is None:
                print(f"missed  {row['id']}: {item['subject']} / {item['verb']} / {item['object']}", file=sys.stderr)
                continue
            said = left.pop(match)[3]
            if said not in {kind, *row.get("also", {}).get(str(index), ())}:
                print(f"kind    {row['id']}: {item['verb']} is {kind}, not {said or 'without a category'}", file=sys.stderr)
            hit[kind] += 1
            right[kind] += said in {kind, *row.get("also", {}).get(str(index), ())}
        for item in left:
            wrong[item[3] or "none"] += 1
            print(f"wrongly {row['id']}: {' / '.join(item[4])} ({item[3]})", file=sys.stderr)
    print("| category | true | found | its category right | wrongly found |\n| --- | --- | --- | --- | --- |")
    for kind in sorted({*true, *wrong}):
        print(f"| {kind} | {true[kind]} | {hit[kind]} | {right[kind]} | {wrong[kind]} |")
    print(f"| all | {sum(true.values())} | {sum(hit.values())} | {sum(right.values())} | {sum(wrong.values())} |")
    print(f"\ncaptions without an interaction: {empty}, read as such: {silent}; replies refused: {refused}")


if __name__ == "__main__":
    main()
