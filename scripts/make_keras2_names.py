"""Writes the public names of Keras 1 or 2 with their parameters, as a reference for the tests.

Run in an environment with Keras 1.2.2, 2.2.4 or 2.3.1, and its TensorFlow:

    python make_keras2_names.py tests/dialects/keras2_names.json [METHODS.json]

or with tf_keras, of which all names of its public modules are written:

    python make_keras2_names.py tests/dialects/tf_keras_names.json [METHODS.json] --tf_keras
"""

import functools
import importlib
import inspect
import json
import pkgutil
import sys

# Modules of the implementation, and those whose backend is not installed.
SKIPPED = ("keras.legacy.interfaces", "keras.legacy.models", "keras.backend.common")
PRIVATE = ("keras.engine.training_", "keras.backend.")
HELPERS = ("keras_modules_injection", "standardize_input_data")
# Modules whose contents are those of others.
PACKAGES = ("keras", "keras.layers", "keras.utils", "keras.engine", "keras.models")


def parameters(value):
    """Returns the positional parameters of a class or function, as `name` or `name=default`."""
    function = value.__init__ if inspect.isclass(value) else value
    function = getattr(function, "_original_function", function)
    if function is object.__init__:
        return []
    found = []
    for parameter in inspect.signature(inspect.unwrap(function)).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameter.name == "self":
            continue
        has = parameter.default is not parameter.empty
        found.append(f"{parameter.name}={parameter.default!r}" if has else parameter.name)
    return found


def is_public(module, name, value):
    """Returns whether a name belongs to a module, rather than being imported for its own use."""
    home = getattr(value, "__module__", "") or ""
    if name.startswith("_") or name in HELPERS or inspect.ismodule(value) or not callable(value):
        return False
    if not home.startswith("keras"):
        return False
    return module in PACKAGES or home == module or home.partition(".")[0] != "keras"


def collect(name, found):
    if name in SKIPPED or name.startswith(PRIVATE):
        return
    try:
        module = importlib.import_module(name)
    except ImportError:
        return
    found[name] = {
        key: parameters(value)
        for key, value in sorted(vars(module).items())
        if is_public(name, key, value)
    }
    if name == "keras.backend":
        found[name] = {
            key: parameters(value)
            for key, value in sorted(vars(module).items())
            if inspect.isfunction(value) and not key.startswith("_")
        }
    for part in pkgutil.iter_modules(getattr(module, "__path__", [])):
        collect(f"{name}.{part.name}", found)


def collect_public(name, module, found):
    """Collects the names of a module of tf_keras, and of those that are its attributes."""
    found[name] = {}
    for key, value in sorted(vars(module).items()):
        if key.startswith("_") or key in ("src", "protobuf"):
            continue
        if inspect.ismodule(value):
            if value.__name__.startswith("tf_keras") and ".src" not in value.__name__:
                collect_public(f"{name}.{key}", value, found)
        elif callable(value):
            found[name][key] = parameters(value)


# Classes of tf_keras whose methods are listed whole, with those of the classes before them. Of
# others, those that these do not have.
ROOTS = ("layers.Layer", "Model", "callbacks.Callback", "losses.Loss", "metrics.Metric")
ROOTS += ("optimizers.Optimizer", "optimizers.legacy.Optimizer", "layers.RNN")


def methods_of_tf_keras(names):
    """Returns the public methods and properties of the classes of tf_keras, with parameters."""
    keras = importlib.import_module("tf_keras")
    roots = [functools.reduce(getattr, path.split("."), keras) for path in ROOTS]
    of_roots = {cls for root in roots for cls in root.__mro__}
    found, seen = {}, set()
    for path in names:
        module = functools.reduce(getattr, path.split(".")[1:], keras)
        for key, value in sorted(vars(module).items()):
            if key.startswith("_") or not inspect.isclass(value) or value in seen:
                continue
            seen.add(value)
            left_out = set() if value in roots else of_roots
            members = {}
            for cls in reversed(value.__mro__):
                if cls.__module__.startswith("tf_keras") and cls not in left_out:
                    members.update(vars(cls))
            found[f"{path}.{key}"] = describe_methods(members)
    return {path: methods for path, methods in found.items() if methods}


def describe_methods(members):
    """Returns the public methods and properties among the attributes of a class."""
    found = {}
    for name, member in sorted(members.items()):
        if name.startswith("_") or inspect.isclass(member):
            continue
        if isinstance(member, (property, classmethod, staticmethod)):
            is_property = isinstance(member, property)
            found[name] = [] if is_property else parameters(member.__func__)
        elif callable(member):
            found[name] = parameters(member)
    return {name: [p for p in found[name] if p not in ("self", "cls")] for name in found}


def methods_of(name):
    """Returns the public methods and properties of the classes of a module, with parameters."""
    found = {}
    for key, value in sorted(vars(importlib.import_module(name)).items()):
        if inspect.isclass(value) and is_public(name, key, value):
            found[f"{name}.{key}"] = {
                method: [] if isinstance(member, property) else parameters(member)
                for method, member in sorted(vars(value).items())
                if not method.startswith("_") and (callable(member) or isinstance(member, property))
            }
    return {path: methods for path, methods in found.items() if methods}


if __name__ == "__main__":
    names = {}
    if "--tf_keras" in sys.argv:
        collect_public("keras", importlib.import_module("tf_keras"), names)
        tables = [names, methods_of_tf_keras(names)]
    else:
        collect("keras", names)
        tables = [names, {k: v for name in names for k, v in methods_of(name).items()}]
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    for path, table in zip(paths, tables):  # noqa: B905 - there may be one path
        with open(path, "w") as file:
            lines = [f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table)]
            file.write("{\n" + ",\n".join(lines) + "\n}\n")
