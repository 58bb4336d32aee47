"""Pages are compiled for speed; what they say is, byte for byte, what Jinja makes of the same templates."""

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from markupsafe import Markup

from intergeneval.report.rendering import Pages

TEMPLATES = {
    "base": "<title>{% block title %}{% endblock %}</title>{{ css }}{% block body %}none{% endblock %}<p>{{ end }}</p>",
    "page": (
        '{% extends "base" %}{% import "macros" as m %}{% block title %}{{ items[0] }}{% endblock %}'
        "{% block body %}{% for item in items %}{{ loop.index }}: {{ item }}{{ ', ' if not loop.last }}{% endfor %}"
        '{{ m.tag(items[1]) }}{% include "part" %}{% set kept %}<b>{{ items[1] }}</b>{% endset %}{{ kept }}'
        "{% if facts %}{% for name, value in facts|dictsort %}{{ name }}={{ value }};{% endfor %}{% endif %}{% endblock %}"
    ),
    "macros": "{% macro tag(text) %}<i>{{ text }}</i>{% endmacro %}",
    "part": (
        "{% for a in rows|groupby('kind') %}{{ a.grouper }}"
        "{% for b in a.list %}[{{ b.kind }}{{ b.value }}]{% endfor %}{% endfor %}"
    ),
}
VALUES = {
    "items": ["<script>alert('x')</script>", 'a "b" & c', Markup("<em>kept</em>"), 3, 2.5, -0.0, None, True, "漢字", 1e300],
    "css": Markup("p > a {}"),
    "end": "&amp;",
    "rows": [{"kind": "b", "value": "<"}, {"kind": "a", "value": 1}, {"kind": "b", "value": None}],
}


@pytest.mark.parametrize("facts", [{}, {"one": "<1>"}, {"b": 1, "A": 2, "c": 3}])
def test_inheritance_macros_includes_and_loops_come_out_as_jinja_has_them(facts):
    made = []
    for kind in (Environment, Pages):
        environment = kind(loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
        made.append(environment.get_template("page").render(**VALUES, facts=facts))
    assert made[0] == made[1]
    assert "&lt;script&gt;" in made[1]


def test_a_name_that_is_misspelt_is_still_an_error():
    environment = Pages(loader=DictLoader({"page": "{{ view.nmae }}"}), autoescape=True, undefined=StrictUndefined)
    with pytest.raises(UndefinedError, match="nmae"):
        environment.get_template("page").render(view={"name": 1})
