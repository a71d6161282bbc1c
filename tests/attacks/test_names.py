"""Names from files or users cannot act on the terminal, the page or the reader that shows them."""

import unicodedata

import pytest

from cornu import layers
from cornu.core.state.variable import Variable
from cornu.metrics import Mean
from cornu.names import escape_controls, printable
from tests.attacks.names import ACTIVE, NAMES
from tests.attacks.surfaces import (
    ERRORS,
    PAGES,
    TEXTS,
    error_text,
    make_model,
    shown_text,
    tags,
)

LONGEST = 20_000  # characters that a surface shows of a model with four layers


@pytest.fixture(scope="module", params=NAMES)
def named(request):
    return make_model(NAMES[request.param]), NAMES[request.param]


@pytest.mark.parametrize("surface", TEXTS)
def test_texts(surface, named, tmp_path):
    text = shown_text(TEXTS[surface], *named, tmp_path)
    assert not ACTIVE.findall(text)
    assert len(text) < LONGEST


@pytest.mark.parametrize("surface", PAGES)
def test_pages(surface, named, tmp_path):
    page = shown_text(PAGES[surface], *named, tmp_path)
    assert not ACTIVE.findall(page)
    assert not tags(page) & {"img", "marquee", "onerror"}
    assert page.count("<script") == page.count("</script>")
    assert len(page) < 80_000


@pytest.mark.parametrize("problem", ERRORS)
def test_errors(problem):
    for name in NAMES.values():
        text = error_text(ERRORS[problem], make_model(name), name)
        assert not ACTIVE.findall(text)
        assert len(text) < 5_000


def test_every_hidden_character_is_escaped():
    ordinary = "\u200c\u200d"  # joiners inside words and emoji
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in ordinary:
            assert escape_controls(char).isascii() and len(escape_controls(char)) > 1
    for text in ("é中文", "نمی\u200cخواهم", "👩\u200d💻", "a\xa0b", "日\u3000本", "tab\\t"):
        assert escape_controls(text) == text
    assert escape_controls("a\nb\x1b", keep="\n") == "a\nb\\x1b"


def test_long_words_are_cut_and_texts_are_not():
    assert printable("x" * 10_000) == "x" * 200 + "... (10000 characters)"
    assert printable("word " * 10_000) == "word " * 10_000
    assert printable(printable("\x1b" * 500)) == printable("\x1b" * 500)


@pytest.mark.parametrize(
    "make",
    [lambda name: layers.Dense(2, name=name), lambda name: Mean(name=name),
     lambda name: Variable(1.0, name=name)],
    ids=["layer", "metric", "variable"],
)  # fmt: skip
def test_names_that_no_file_can_hold_are_refused(make):
    for name in ("a\0b", "a\ud800"):
        with pytest.raises(ValueError, match="must be Unicode text without null characters"):
            make(name)
    with pytest.raises(ValueError, match="must be a string"):
        make(7)
