"""Distributions by name."""

from __future__ import annotations

import argparse

from cornu.distribution import named
from cornu.launcher.command import add_arguments


def test_the_launcher_offers_all_names():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    action = next(one for one in parser._actions if one.dest == "distribution")
    assert set(action.choices) == {*named._NAMES, "none"}
    for name, kind in named._NAMES.items():
        assert type(named.get(name)) is kind
