"""The programs that a type checker reads (see `scripts/check`) also run."""

import inspect

import pytest

from tests.sampling import slow_except
from tests.typing import user_programs

PROGRAMS = {
    name: function
    for name, function in inspect.getmembers(user_programs, inspect.isfunction)
    if function.__module__ == user_programs.__name__
    and set(inspect.signature(function).parameters) <= {"folder"}
}


@pytest.mark.parametrize("name", slow_except(PROGRAMS, ["custom_parts", "eager", "sequential"]))
def test_a_program_runs(name, tmp_path):
    program = PROGRAMS[name]
    program(*[tmp_path] * len(inspect.signature(program).parameters))
