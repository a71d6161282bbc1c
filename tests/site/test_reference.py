"""The reference has a page for each public name, and each link of a page leads somewhere."""

import posixpath
import re
from pathlib import Path

import cornu
from scripts.site import parameters, reference

ROOT = Path(__file__).parents[2]


def test_each_public_name_has_a_page():
    found = {path for entry in reference.entries() for path in (entry.path, *entry.aliases)}
    for module in (cornu, cornu.layers, cornu.losses, cornu.ops, cornu.optimizers.schedules):
        path = module.__name__ if module.__name__.startswith("cornu.") else "cornu"
        for name in module.__all__:
            value = getattr(module, name)
            if callable(value):
                assert f"{path}.{name}" in found or value.__module__ == "typing"
    pages = dict(reference.pages())
    assert len({page.lower() for page in pages}) == len(pages)
    assert "cornu.layers.Dense(" in pages["reference/cornu/layers/Dense.md"]
    assert "### fit" in pages["reference/cornu/Model.md"]
    assert "### add_weight" in pages["reference/cornu/Layer.md"]
    for page, text in pages.items():
        for target in re.findall(r"\]\(([^)#\s]+\.md)\)", text):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) in pages
    modules = {page for page in pages if re.fullmatch(r"reference/cornu/\w+/index\.md", page)}
    listed = set(re.findall(r"reference/cornu/\w+/index\.md", (ROOT / "mkdocs.yml").read_text()))
    assert listed == modules


def test_each_parameter_is_documented():
    assert list(parameters.undocumented()) == []


def test_each_documented_argument_exists():
    assert list(parameters.nonexistent()) == []


def test_undocumented_and_nonexistent_parameters_are_found(monkeypatch):
    class Sampler:
        """Samples rows.

        Args:
            rate: the fraction of the rows.
        """

        def __init__(self, rate, seed=None): ...

        def draw(self, rows, count=1):
            """Draws `rows`, by the count.

            Args:
                number: the count.
            """

    def sample(rate, method="fast", **options):
        """Samples rows; other arguments are those of `Sampler`."""

    public = [("Sampler", Sampler), ("sample", sample)]
    entries = [reference.Entry(f"cornu.{name}", (), value, "") for name, value in public]
    monkeypatch.setattr(parameters, "entries", lambda: entries)
    monkeypatch.setattr(parameters, "find", lambda name, around: entries[0])
    assert list(parameters.undocumented()) == [
        ("cornu.Sampler", ["seed"]),
        ("cornu.Sampler.draw", ["count"]),
        ("cornu.sample", ["method", "options"]),
    ]
    assert list(parameters.nonexistent()) == [("cornu.Sampler.draw", ["number"])]
