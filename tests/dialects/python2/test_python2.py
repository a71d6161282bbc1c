"""Programs in Python 2, as `cornu run --shims` runs them."""

import pytest

from cornu.dialects.python2 import load_program
from cornu.dialects.python2.loader import parse_program
from cornu.dialects.python2.semantics import NAMES
from cornu.dialects.python2.statements import translate_statements

STATEMENTS = {
    "print": "print()",
    "print 'a', b": "print('a', b)",
    "print 'a' % b,": "print('a' % b, end=\" \")",
    "print (a), b": "print((a), b)",
    "print(a, b)": "print(a, b)",
    "print ('a')": "print ('a')",
    "print ('%d') % 3": "print(('%d') % 3)",
    "print >>f, a, b": "print( a, b, file=f)",
    "print >>f": "print(file=f)",
    "if a: print a; print b": "if a: print(a); print(b)",
    "x = {1: 2}; print x[1:2]": "x = {1: 2}; print(x[1:2])",
    "print f(1, 2)  # print 3": "print(f(1, 2))  # print 3",
    "print = 3": "print = 3",
    "'print 3'": "'print 3'",
    "raise ValueError, 'a'": "raise ValueError( 'a')",
    "raise E, e, t": "raise E( e).with_traceback( t)",
    "raise ValueError('a', 3)": "raise ValueError('a', 3)",
    "exec code in names": "exec(code , names)",
    "exec 'a = 3'": "exec('a = 3')",
}


@pytest.mark.parametrize("old", STATEMENTS)
def test_statements(old):
    assert translate_statements(old) == STATEMENTS[old]
    assert translate_statements(f"{old}\n") == f"{STATEMENTS[old]}\n"


def test_except():
    old = "try:\n    f()\nexcept (A, B), e:\n    pass\nexcept C:\n    pass\n"
    assert translate_statements(old) == old.replace("B), e", "B) as e")


PROGRAM = """\
print 'a'
quotient, rest = 7 / 2, 7.0 / 2
halves = np.array([3, 4]) / 2
total = 5
total /= 2
numbers = {'a': 1}
pairs, keys, has = zip([1], [2]), numbers.keys(), numbers.has_key('b')
values = sorted(numbers.itervalues()) + range(2) + map(abs, [-3])
"""


def run(path, text):
    import numpy as np

    path.write_text(text)
    names = {**NAMES, "np": np}
    exec(load_program(path), names)
    return names


def test_the_meaning_is_that_of_python_2(tmp_path, capsys):
    names = run(tmp_path / "program.py", PROGRAM)
    assert (names["quotient"], names["rest"], names["total"]) == (3, 3.5, 2)
    assert names["halves"].tolist() == [1, 2]
    assert (names["pairs"], names["keys"], names["has"]) == ([(1, 2)], ["a"], False)
    assert names["values"] == [1, 0, 1, 3]
    assert capsys.readouterr().out == "a\n"


def test_division_can_be_that_of_python_3(tmp_path):
    text = f"from __future__ import division\n{PROGRAM}"
    assert run(tmp_path / "program.py", text)["quotient"] == 3.5


def test_programs_in_python_3_are_not_translated(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("print(3 / 2)\n")
    assert load_program(path) is None


def test_a_program_of_neither_has_the_error_of_python_3(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("print 'a'\nx = = 3\n")
    with pytest.raises(SyntaxError, match="parentheses"):
        parse_program(path)
