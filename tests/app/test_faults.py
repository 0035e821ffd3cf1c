"""Tables with a fault, brought to the page: it shows the command's own remedy, as text, and never a traceback."""

import html

import pytest
from app_pages import given, page, press, run_at_once, words
from faults import DRUG, faults, whole

from tl_jax.app.parts import requests

ALL = faults()


@pytest.fixture
def place(monkeypatch, tmp_path):
    """The app's options; a job is run to its end before the page goes on."""
    run_at_once(monkeypatch)
    return given(monkeypatch, tmp_path)


def brought(*tables):
    """The page after two tables were chosen and looked at."""
    app = page("study")
    for number, (name, content) in enumerate(tables):
        app.file_uploader[number].set_value((name, content, "text/csv"))
    return press(app, "Look at the tables")


def again(app, **fields: str):
    """The form filled in, and the tables looked at again."""
    for box in app.text_input:
        for name, value in fields.items():
            if f"--{name}" in box.label:
                box.set_value(value)
    return press(app, "Look again")


@pytest.mark.parametrize("kind", ALL)
def test_each_kind_of_fault_is_said_with_its_remedy(place, kind):
    fault = ALL[kind]
    app = again(brought(fault.expression, fault.response), drug=DRUG)
    text = html.unescape(words(app))
    for said in fault.says:
        assert said in text
    assert ('role="alert"' in text) == fault.stops
    assert ("Run this study" in [button.label for button in app.button]) != fault.stops
    assert "Traceback" not in text
    assert str(place.place) not in text  # no folder of the server


def test_a_remedy_of_the_message_is_taken_by_the_form(place):
    """What the message asks to add has a field on the page, or the visitor stands before a closed door."""
    fault = ALL["-999 for a missing value"]
    app = again(brought(fault.expression, fault.response), drug=DRUG)
    app = again(app, drug=DRUG, response_keys="missing = ['-999']")
    assert 'role="alert"' not in words(app)
    assert "Run this study" in [button.label for button in app.button]


def test_keys_name_no_other_file(place):
    app = again(brought(*whole()), drug=DRUG, expression_keys="path = '/etc/hostname'")
    assert "has an unknown key 'path'" in html.unescape(words(app))
    assert "Run this study" not in [button.label for button in app.button]


def test_every_flag_that_a_form_says_has_its_field(place):
    app = brought(*whole())
    labels = " ".join(box.label for box in (*app.text_input, *app.selectbox, *app.checkbox))
    assert [name for name in requests.FIELDS if f"--{name}" not in labels] == []
