"""Pages of the site: links of the project's files lead to pages, or become text."""

import pytest

from scripts.site import gather, reference
from scripts.site.gather import _with_links


@pytest.fixture
def folder(tmp_path):
    for path in ("data.md", "files/examples/a.py.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[data](data.md#rows)", "[data](data.md#rows)"),
        ("[docs/data.md](../docs/data.md)", "[docs/data.md](data.md)"),
        ("[a](../examples/a.py)", "[a](files/examples/a.py.md)"),
        ("a [test](../tests/test_a.py) of it", "a test of it"),
        ("[../a.py](../a.py)", "`a.py`"),
        ("[of `a`](../examples/a.py)", "[of `a`](files/examples/a.py.md)"),
        ("[site](https://example.org/a.md) and [here](#here)", None),
        ("`f[0](x)` and\n\n```python\nf[0](data)\n```\n", None),
    ],
)
def test_links_are_changed(text, expected, folder):
    assert _with_links(text, "docs/page.md", "page.md", folder) == (expected or text)


def test_pages_link_to_the_reference(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("[names](reference/index.md), [gone](gone.md)")
    monkeypatch.setattr(gather, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "pages", lambda: [("reference/index.md", "# Reference\n")])
    assert gather.gather(tmp_path / "pages") == 2
    assert (tmp_path / "pages/index.md").read_text() == "[names](reference/index.md), gone"
