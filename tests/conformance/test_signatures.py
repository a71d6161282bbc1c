"""Everything public that cornu and Keras both have is called in the same way.

A difference is a parameter of Keras that is missing, has another position, is accepted in
one form only (by name or by position), or has another default; and a parameter that only cornu
requires.
"""

import fnmatch
import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import cornu

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

REFUSED = "Keras refuses unknown ones"
OVERRIDDEN = "the parameters of `call`, or any"
OF_USERS = "overridden by users, who choose the parameters"
NONE = "it takes no arguments in both"
NAMED = "those that Keras takes from them have names"
# No call that works in Keras is refused for these reasons.
WITHOUT_EFFECT = (REFUSED, OVERRIDDEN, OF_USERS, NONE, NAMED)

# Pattern of a path -> (what differs, why).
EXCEPTIONS = {
    # Keyword arguments that Keras collects only to refuse them, or hands to another library.
    "KerasTensor()": ("no **kwargs", REFUSED),
    "Variable()": ("no **kwargs", "Keras ignores unknown ones"),
    "Model.evaluate": ("no **kwargs", REFUSED),
    "Model.load_weights": ("no **kwargs", NAMED),
    "utils.model_to_dot": ("no **kwargs", REFUSED),
    "utils.plot_model": ("no **kwargs", REFUSED),
    "saving.load_weights": ("no **kwargs", NAMED),
    "saving.save_weights": ("no **kwargs", NAMED),
    "saving.deserialize_keras_object": ("no **kwargs", NAMED),
    "preprocessing.image.smart_resize": ("no **kwargs", "for the backend module of old versions"),
    "Layer.add_weight": ("no *args", NAMED),
    "export.ExportArchive()": ("no [*]*", NAMED),
    # Signatures that users override and never call.
    "Model()": ("no *args", NAMED),
    "*Model.call": ("*", OF_USERS),
    "Sequential.call": ("no **kwargs", "the layers of a Sequential receive one input"),
    "utils.FeatureSpace.call": ("*", NAMED),
    "*.compute_output_spec": ("*", OVERRIDDEN),
    "layers.FlaxLayer.compute_output_shape": (
        "input_shape: required",
        "the layer takes one input, in any structure",
    ),
    "layers.HashedCrossing.__call__": ("inputs: required", OVERRIDDEN),
    "layers.TFSMLayer.call": ("no **kwargs", "the inputs of an endpoint by name are a dict"),
    "layers.RandomGrayscale.*": ("*", "the parameters of the other image layers"),
    "optimizers.Adadelta.update_step": ("grad*", "named gradient, as in the base class of Keras"),
    "optimizers.SGD.build": ("var*", "named var_list, as in the base class of Keras"),
    "Model.save": ("no **kwargs", REFUSED),
    "models.save_model": ("no **kwargs", REFUSED),
    "SymbolicScope()": ("no *", NONE),
    "name_scope()": ("no **kwargs", NAMED),
}


def public_names() -> Iterator[tuple[str, Any, Any]]:
    """Yields path, object of Keras and object of cornu of every name that both have."""
    pending: list[tuple[str, Any, Any]] = [("", keras, cornu)]
    visited = set()
    while pending:
        prefix, theirs, ours = pending.pop(0)
        for name in sorted(n for n in dir(theirs) if not n.startswith("_") and n != "src"):
            pair = getattr(theirs, name), find(ours, name)
            if pair[1] is None or (id(pair[0]), id(pair[1])) in visited:
                continue
            visited.add((id(pair[0]), id(pair[1])))
            if isinstance(pair[0], ModuleType):
                if pair[0].__name__.startswith("keras.") and isinstance(pair[1], ModuleType):
                    pending.append((f"{prefix}{name}.", *pair))
            elif callable(pair[0]):
                yield f"{prefix}{name}", *pair


def find(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        pass
    if isinstance(owner, ModuleType):
        try:
            return importlib.import_module(f"{owner.__name__}.{name}")
        except ImportError:
            pass
    return None


def callables() -> Iterator[tuple[str, Any, Any]]:
    """Yields functions, constructors and methods, each pair of definitions once."""
    compared = set()
    for path, theirs, ours in public_names():
        if not isinstance(theirs, type):
            yield path, theirs, ours
            continue
        if not isinstance(ours, type):
            yield path, theirs, None
            continue
        pairs = [("()", theirs.__init__, ours.__init__)]
        for name in dir(theirs):
            member = getattr(theirs, name)
            if (not name.startswith("_") or name == "__call__") and callable(member):
                if callable(getattr(ours, name, None)):
                    pairs.append((f".{name}", member, getattr(ours, name)))
        for name, a, b in pairs:
            key = [getattr(f, "__func__", f) for f in (a, b)]
            if (id(key[0]), id(key[1])) not in compared:
                compared.add((id(key[0]), id(key[1])))
                yield path + name, a, b


def differences(theirs: inspect.Signature, ours: inspect.Signature) -> Iterator[str]:
    """Yields the ways in which calls that suit one signature do not suit the other."""
    own = dict(ours.parameters)
    kinds = {p.kind: p for p in own.values()}
    takes_any = inspect.Parameter.VAR_POSITIONAL in kinds, inspect.Parameter.VAR_KEYWORD in kinds
    order = [p.name for p in own.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for position, (name, p) in enumerate(theirs.parameters.items()):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            if not takes_any[p.kind is p.VAR_KEYWORD]:
                yield f"no {p}"
            continue
        q = own.get(name)
        if q is None:
            by_name, by_position = p.kind is not p.POSITIONAL_ONLY, p.kind is not p.KEYWORD_ONLY
            if (by_name and not takes_any[1]) or (by_position and not takes_any[0]):
                yield f"{name}: missing"
            continue
        if p.kind is p.POSITIONAL_OR_KEYWORD:
            if q.kind is not p.POSITIONAL_OR_KEYWORD:
                yield f"{name}: {q.kind.description}"
            elif order.index(name) != position:
                yield f"{name}: position {order.index(name)}, in Keras {position}"
        # A default where Keras has none accepts all that Keras accepts.
        if p.default is not p.empty and (q.default is q.empty or not _equal(p.default, q.default)):
            yield f"{name}: default {q.default!r}, in Keras {p.default!r}"
    for name, q in own.items():
        required = q.default is q.empty and q.kind not in (q.VAR_POSITIONAL, q.VAR_KEYWORD)
        if required and name not in theirs.parameters:
            yield f"{name}: required"


def optional(theirs: inspect.Signature, ours: inspect.Signature) -> Iterator[str]:
    """Yields the parameters that Keras requires and that have a default here."""
    empty = inspect.Parameter.empty
    for name, p in theirs.parameters.items():
        q = ours.parameters.get(name)
        named = p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        if named and q is not None and p.default is empty and q.default is not empty:
            yield name


def _equal(a: Any, b: Any) -> bool:
    return (
        type(a) is type(b) and (a == b or repr(a) == repr(b)) or list(_tuple(a)) == list(_tuple(b))
    )


def _tuple(x: Any) -> Any:
    return x if isinstance(x, (list, tuple)) else (type(x), x)


def found(
    compare: Callable[[inspect.Signature, inspect.Signature], Iterator[str]] = differences,
) -> list[tuple[str, str]]:
    """Returns (path, difference) pairs."""
    rows = []
    for path, theirs, ours in callables():
        if ours is None:
            rows.append((path, "not a class"))
            continue
        try:
            pair = inspect.signature(theirs), inspect.signature(ours)
        except ValueError:  # a class of C
            continue
        if path.endswith("()"):
            pair = _without_self(pair[0]), _without_self(pair[1])
        rows += [(path, text) for text in compare(*pair)]
    return rows


def _without_self(signature: inspect.Signature) -> inspect.Signature:
    """Drops the first parameter of a constructor, which callers do not pass."""
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def excuses(path: str, text: str) -> list[str]:
    return [
        pattern
        for pattern, (difference, _) in EXCEPTIONS.items()
        if fnmatch.fnmatchcase(path, pattern) and fnmatch.fnmatchcase(text, difference)
    ]


def test_what_keras_accepts_is_accepted():
    rows = found()
    unexplained = [f"{path}: {text}" for path, text in rows if not excuses(path, text)]
    assert not unexplained, "\n".join(unexplained)
    used = {pattern for row in rows for pattern in excuses(*row)}
    assert set(EXCEPTIONS) <= used, f"no difference: {set(EXCEPTIONS) - used}"


def test_the_comparison_reaches_everything():
    paths = [path for path, _, _ in callables()]
    assert len(paths) > 1200
    assert {"ops.softmax", "layers.Dense()", "Model.fit", "optimizers.Adam()"} <= set(paths)


def _sample(x, axis=-1, *, flag=False):
    return x


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (lambda x, axis=-1, flag=False, extra=None: x, []),
        (
            lambda axis, x, flag=False: x,
            ["x: position 1, in Keras 0", "axis: position 0, in Keras 1"],
        ),
        (lambda x, *, axis=-1, flag=False: x, ["axis: keyword-only"]),
        (lambda x, axis=0, **kwargs: x, ["axis: default 0, in Keras -1"]),
        (lambda x, axis=-1, flag=False, *, extra: x, ["extra: required"]),
        (lambda x, /, axis=-1: x, ["x: positional-only", "flag: missing"]),
    ],
)
def test_differences_are_found(ours, expected):
    rows = list(differences(inspect.signature(_sample), inspect.signature(ours)))
    assert [row for row in rows if "default <class" not in row] == expected


def test_shapes_are_passed_under_the_names_of_keras():
    """Introspection shows the parameters: they are not only accepted."""
    for name in dir(keras.layers):
        theirs, ours = getattr(keras.layers, name), find(cornu.layers, name)
        if not isinstance(theirs, type) or not isinstance(ours, type):
            continue
        if not issubclass(theirs, keras.layers.Layer) or name in ("Layer", "RandomGrayscale"):
            continue
        wanted, found = (
            [
                (p.name, p.default)
                for p in inspect.signature(cls.compute_output_shape).parameters.values()
                if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            ]
            for cls in (theirs, ours)
        )
        if wanted != [("self", inspect.Parameter.empty)]:  # any arguments
            assert found == wanted, name


def test_parameters_that_are_optional_here_are_found():
    signature = inspect.signature(lambda x=None, axis=-1, *, flag=False: x)
    assert list(optional(inspect.signature(_sample), signature)) == ["x"]
    assert ("layers.Resizing.transform_bounding_boxes", "transformation") in found(optional)
