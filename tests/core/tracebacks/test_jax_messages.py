"""JAX's and NumPy's errors in the terms of a model."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import Variable
from cornu.core.tracebacks.jax_messages import (
    _TRANSLATIONS,
    clean_message,
    translate_error,
)
from tests.timing import LETTERS, passes_of


def caught(fn):
    with pytest.raises(Exception) as info:
        fn()
    return info.value


def traced(fn, *args):
    return lambda: jax.eval_shape(fn, *(args or (jnp.ones((2, 3)),)))


X = jnp.ones((2, 3))
V = Variable(np.ones(3), name="v")


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        (traced(lambda x: 1 if x.sum() > 0 else 2), TypeError, "`if`.*bool"),
        (traced(lambda x: np.exp(x)), TypeError, "NumPy function"),
        (traced(lambda x: float(x[0, 0])), TypeError, r"float\(\) was called on a traced value"),
        (
            traced(lambda x: x.sum().item()),
            TypeError,
            "a concrete value is required|called on a traced value",
        ),
        (traced(lambda x: x[x > 0]), IndexError, "depends on the values of the condition"),
        (traced(lambda x: list(range(x.astype(int)[0, 0]))), TypeError, "an integer is required"),
        (
            traced(lambda x: jnp.zeros(x.astype(int)[0, 0])),
            TypeError,
            "a shape must consist of integers",
        ),
        (lambda: X @ X, ValueError, "3 and 2"),
        (lambda: X + jnp.ones((4, 5)), ValueError, r"add: shapes \(2, 3\) and \(4, 5\)"),
        (lambda: jnp.broadcast_shapes((2,), (3,)), ValueError, "cannot be broadcast together"),
        (lambda: jnp.concatenate([X, X[0]]), ValueError, "different numbers of axes"),
        (lambda: jnp.concatenate([X, X.T]), ValueError, "along axis 0 differ on another"),
        (lambda: jnp.sum(np.array("a")), TypeError, "strings or objects"),
        (lambda: jnp.array(None), TypeError, "received None"),
        (lambda: jax.grad(lambda x: x)(X), ValueError, r"array of shape \(2, 3\)"),
        (lambda: X.__setitem__(0, 1.0), TypeError, "arrays are immutable"),
        (lambda: jnp.dot(X, V), TypeError, r"Variable 'v' \(V\) itself"),
        (lambda: np.empty((1 << 40, 1 << 10)), MemoryError, "not enough memory"),
        (lambda: X.reshape(4, 4), ValueError, "cannot be reshaped"),
        (
            lambda: jax.lax.conv(jnp.ones((1, 2, 4, 4)), jnp.ones((3, 3, 2, 2)), (1, 1), "SAME"),
            ValueError,
            "2 channels in 1 groups.*3 channels",
        ),
    ],
)
def test_errors_of_jax(program, kind, message):
    with pytest.raises(kind, match=f"(?s){message}") as info:
        raise translate_error(caught(program))
    text = str(info.value)
    assert "Tracer" not in text and "docs.jax.dev" not in text


def test_a_leaked_value_is_traced_back_to_the_line_that_made_it():
    kept = []

    def leaking(x):
        kept.append(x * 2)
        return x

    jax.jit(leaking)(X)
    error = translate_error(caught(lambda: kept[0] + 1))
    assert type(error) is RuntimeError
    assert "test_jax_messages.py:" in str(error) and "in leaking" in str(error)


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("a"), RuntimeError("shape")])
def test_other_errors_stay(error):
    assert translate_error(error) is None


def test_unknown_sizes_show_as_none():
    assert clean_message("got (n, 3) and f32[2,n]") == "got (None, 3) and f32[2,None]"
    assert clean_message("the n (of them), in (min, n + 1)") == "the n (of them), in (min, n + 1)"


def prefix_of(pattern):
    """The literal text with which a pattern begins."""
    plain = re.sub(r"\(\?s\)|\\b", "", pattern)
    start = re.split(r"\(\?|\.\*|\(\\|\[|\\[wdS]|\(\.", plain)[0]
    return re.sub(r"\\([().])", r"\1", start)


@pytest.mark.parametrize("row", _TRANSLATIONS, ids=lambda row: row.pattern[:40])
def test_no_translation_takes_longer_than_20_loops_over_a_long_text(row):
    kind = type(row.kind or "ValueError", (Exception,), {})
    prefix = prefix_of(row.pattern)
    phrases = [prefix, *re.findall(r"[A-Za-z_ `:,]{4,}", row.pattern)]
    endings = ["a", "a.", "(", "()", "(a, ", "n, ", "<", "<locals>.", "<locals>", "-", "-\n", "\n"]
    texts = [
        start + unit * (len(LETTERS) // len(unit)) for start in ("", prefix) for unit in endings
    ]
    for phrase in filter(None, phrases):
        for unit in (phrase, f"{phrase}(", f"{phrase}(a), ", f"{phrase} a\n"):
            texts.append(unit * (len(LETTERS) // len(unit)))
    for text in texts:
        error = kind(text)
        passes = passes_of(lambda error=error: translate_error(error), 20)
        assert passes < 20, (row.pattern, text[:100])


def test_long_messages_of_nested_functions_are_cleaned_in_linear_time():
    def clean():
        assert clean_message(LETTERS) == LETTERS
        assert clean_message("<locals>" * 1000 + ".f()") == "f()"

    assert passes_of(clean, 40) < 40
