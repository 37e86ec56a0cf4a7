"""Which form of the report a caller gets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.openapi import document
from shared.errors import ConfigurationError
from shared.report_forms import FORMS, form_asked_for
from shared.wire import from_json
from tests.domain.reports import of_one_text, report

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        (BROWSER, "html"),
        ("text/markdown", "markdown"),
        ("text/*", "markdown"),
        ("text/xml", "junit"),
        ("APPLICATION/XML ; charset=utf-8", "junit"),
        ("application/json;q=0.1, application/xml", "junit"),
        ("text/html;q=0.4, text/markdown; q=0.5", "markdown"),
        ("*/*, application/json;q=0", "markdown"),
        ("text/html;q=much, application/xml;q=0.2", "junit"),
        ("image/png, text/html;q=0.001", "html"),
    ],
)
def test_the_header_accept_chooses_what_it_likes_best(accept: str, form: str) -> None:
    assert form_asked_for(accept, "").name == form


@pytest.mark.parametrize("name", ["json", "markdown", "html", "junit"])
def test_a_format_that_is_named_goes_before_the_header(name: str) -> None:
    assert form_asked_for("image/png", name).name == name.lower()


@pytest.mark.parametrize(
    ("accept", "name", "code"),
    [("image/png", "", "NotAcceptable"), ("*/*;q=0", "", "NotAcceptable"), ("*/*", "pdf", "RequestInvalid")],
)
def test_what_there_is_not_is_refused_with_what_there_is(accept: str, name: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        form_asked_for(accept, name)
    assert refused.value.code == code
    assert "html" in refused.value.next_step


@given(st.text(max_size=40), st.text(max_size=10))
def test_no_header_and_no_name_makes_it_crash(accept: str, name: str) -> None:
    try:
        assert form_asked_for(accept, name) in FORMS
    except ConfigurationError as refused:
        assert refused.next_step


def test_every_form_is_told_apart_and_goes_with_headers_that_keep_it_harmless() -> None:
    assert len({form.name for form in FORMS}) == len({form.file for form in FORMS}) == len(FORMS) == 4
    for form in FORMS:
        assert form.headers["X-Content-Type-Options"] == "nosniff"
        assert form.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "script" not in form.headers["Content-Security-Policy"]
        assert all(value.isprintable() for value in form.headers.values())


def test_the_json_form_is_the_report_and_is_read_back_whole() -> None:
    given = of_one_text("x")
    assert from_json(FORMS[0].render(given).encode(), type(given)) == given
    assert "findings" in json.loads(FORMS[0].render(report()))


def test_the_description_of_the_api_names_every_form() -> None:
    described = next(
        each for each in document()["paths"]["/runs/{runId}/report"]["get"]["parameters"] if each["name"] == "format"
    )
    assert sorted(described["schema"]["enum"]) == sorted(form.name for form in FORMS)
