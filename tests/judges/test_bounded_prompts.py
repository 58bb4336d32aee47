"""A prompt template of somebody else ends in its text or in one message, within seconds and megabytes."""

import time

import pytest

from intergeneval.errors import ConfigError
from intergeneval.judges.prompting import NAMES, Prompts

LONG = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{{ 'a' * 1000000000 }}",
    "{{ ['a' * 50000] * 50000 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '{:999999999}'.format(1) }}",
    "{{ '{:>{w}}'.format(1, w=1000000000) }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ range(99999)|map('center', 1000000000)|list }}",
    "{{ ('a' * 50000).join(range(99999)|map('string')) }}",
    "{{ 10 ** 10 ** 10 }}",
    "{% set x = 'a' %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "{% set x = 'a' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60 + "{{ x }}",
    "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% macro f(n) %}{{ f(n - 1) if n else '' }}{{ f(n - 1) if n else '' }}{% endmacro %}{{ f(40) }}",
    "{% for i in range(90000) %}{{ 'a' * 90000 }}{% endfor %}",
    "{{ lipsum(n=100000) }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "a" * 200_000,
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_a_template_that_would_take_hours_or_gigabytes_is_one_message(tmp_path, text):
    (tmp_path / "system.j2").write_text(text, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(ConfigError, match=r"system\.j2"):
        Prompts(tmp_path).render("system", {})
    assert time.process_time() - began < 15


def test_a_template_that_uses_what_jinja_has_within_the_bounds_is_rendered(tmp_path):
    text = (
        "{% macro row(q) %}{{ q.label ~ ': ' ~ q.text|upper }}{% endmacro %}{% set many = questions|length %}"
        "{% for q in questions if q.text %}{{ loop.index }}/{{ many }} {{ row(q) }} {{ '%03d' % loop.index }} "
        "{{ '-' * 3 }} {{ '{:>5}'.format(loop.length) }}{% if not loop.last %}, {% endif %}{% endfor %}"
        "{% set tail %}, {{ [1, 2]|join('+') }}{% endset %}{{ tail }}"
    )
    (tmp_path / "ask.j2").write_text(text, encoding="utf-8")
    values = {"questions": [{"label": "0.1", "text": "is it"}, {"label": "0.2", "text": "was it"}]}
    wanted = "1/2 0.1: IS IT 001 ---     2, 2/2 0.2: WAS IT 002 ---     2, 1+2"
    assert Prompts(tmp_path).render("ask", values) == wanted


def test_a_pipe_among_the_templates_is_refused_at_once(tmp_path):
    import os

    os.mkfifo(tmp_path / "ask.j2")
    with pytest.raises(ConfigError, match="pipe"):
        Prompts(tmp_path, NAMES)
