"""The programs that a type checker reads (see `scripts/check`) also run."""

import inspect

import pytest

from tests.typing import user_programs

PROGRAMS = [
    function
    for name, function in inspect.getmembers(user_programs, inspect.isfunction)
    if function.__module__ == user_programs.__name__
    and set(inspect.signature(function).parameters) <= {"folder"}
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_runs(program, tmp_path):
    program(*[tmp_path] * len(inspect.signature(program).parameters))
