"""FlaxLayer: wraps a module of Flax as a layer."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from cornu import registry
from cornu.errors import missing_package
from cornu.layers.jax_layer import JaxLayer
from cornu.types import PyTree

__all__ = ["FlaxLayer"]

# Fields that Flax adds to every module.
_OF_FLAX = ("parent", "name")


class FlaxLayer(JaxLayer):
    """Wraps a module of Flax, a `flax.linen.Module`, as a layer.

    The collection `"params"` of the module is trained. All other collections, such as
    `"batch_stats"`, are state, which each call updates. In training the module receives a random
    key named `"dropout"`.

    Args:
        module: the module. The method that is called takes the argument `inputs` (an array or a
            tree of arrays), and `training` if the module distinguishes training from inference.
        method: the method to call: a method of the module, its name, or a function whose first
            argument is the module; `__call__` by default.
        variables: the initial values of all collections, as `module.init` returns them; by default
            `module.init` is called when the layer is built.
        **kwargs: `seed` of the random keys, and arguments of `Layer`.

    Call arguments:
        inputs: passed to the module.
        training: passed to the module, if its method has this argument.

    Raises:
        ImportError: Flax is not installed.
        TypeError: the module is not one of `flax.linen`.

    Example:

    >>> import cornu
    >>> from flax import linen
    >>> class Net(linen.Module):
    ...     @linen.compact
    ...     def __call__(self, inputs, training):
    ...         x = linen.Dense(8)(inputs)
    ...         return linen.Dropout(0.5, deterministic=not training)(x)
    >>> cornu.layers.FlaxLayer(Net())(cornu.Input((3,))).shape
    (None, 8)

    Extensions: a module without `get_config` is described in a file by its fields, and its class
    is passed on loading, as `custom_objects={"Net": Net}`; modules of `flax.linen` itself need not
    be passed. In Keras such a layer cannot be saved.

    Fixes: modules may `sow` intermediate values, which are discarded; in Keras the call fails.
    """

    def __init__(
        self,
        module: Any,
        method: Callable[..., Any] | str | None = None,
        variables: PyTree = None,
        **kwargs: Any,
    ) -> None:
        linen = _import_linen()
        if not isinstance(module, linen.Module):
            raise TypeError(
                f"FlaxLayer: `module` must be an instance of flax.linen.Module. Received: "
                f"{module!r}\nFor a module of flax.nnx, use JaxLayer with the functions that "
                "`nnx.split` and `nnx.merge` make of it."
            )
        self.module = module
        self.method = _find_method(module, method)
        takes_phase = "training" in inspect.signature(self.method).parameters
        call: Callable[..., Any] = self._apply_in_phase if takes_phase else self._apply
        init: Callable[..., Any] = self._init_in_phase if takes_phase else self._init
        params, state = _split_collections(variables)
        super().__init__(call, init, params, state, **kwargs)

    def _apply(self, params: PyTree, state: PyTree, rng: Any, inputs: PyTree) -> Any:
        return self._apply_module(params, state, rng, inputs)

    def _apply_in_phase(
        self, params: PyTree, state: PyTree, rng: Any, inputs: PyTree, training: bool
    ) -> Any:
        return self._apply_module(params, state, rng, inputs, training=training)

    def _apply_module(
        self, params: PyTree, state: PyTree, rng: Any, inputs: PyTree, **phase: bool
    ) -> Any:
        return self.module.apply(
            {**(params or {}), **(state or {})},
            inputs,
            rngs=rng,
            method=self.method,
            mutable=_import_linen().DenyList(["params", "intermediates"]),
            **phase,
        )

    def _init(self, rng: Any, inputs: PyTree) -> Any:
        return _split_collections(self.module.init(rng, inputs, method=self.method))

    def _init_in_phase(self, rng: Any, inputs: PyTree, training: bool) -> Any:
        variables = self.module.init(rng, inputs, method=self.method, training=training)
        return _split_collections(variables)

    def _get_init_rng(self) -> Any:
        return {"params": self._get_init_seed(), "dropout": self._get_init_seed()}

    def _get_call_rng(self, training: bool) -> Any:
        return {"dropout": self._get_call_seed()} if training else {}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, without the values of the variables."""
        config = super().get_config()
        method: Any = self.method
        if getattr(method, "__self__", None) is self.module:
            # Found in the module by its name.
            method = None if method.__name__ == "__call__" else method.__name__
        return {
            **config,
            "module": _describe_module(self.module),
            "method": registry.serialize(method),
            "native_serialization_platforms": self.native_serialization_platforms,
        }

    def _constructor_arguments_(self) -> dict[str, Any]:
        arguments = super()._constructor_arguments_()
        return {name: value for name, value in arguments.items() if name != "variables"}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Creates the layer from a config. Classes and functions are looked up by name.

        Args:
            config: the dict returned by `get_config()`.
            custom_objects: additional classes and functions by name.

        Raises:
            ValueError: a class or function is unknown.
        """
        with registry.custom_object_scope(custom_objects):
            others = {name: value for name, value in config.items() if name != "module"}
            return cls(
                module=_create_module(config["module"]),
                **{name: registry.deserialize(value) for name, value in others.items()},
            )


def _import_linen() -> Any:
    try:
        from flax import linen
    except ImportError as error:
        raise missing_package("flax", "flax", "FlaxLayer") from error
    return linen


def _find_method(module: Any, method: Callable[..., Any] | str | None) -> Callable[..., Any]:
    """Returns the method of a module that is called."""
    if callable(method):
        return method
    name = method or "__call__"
    is_private = name.startswith("_") and name != "__call__"
    found = None if is_private else getattr(module, name, None)
    if not callable(found):
        raise ValueError(
            f"FlaxLayer: {type(module).__name__} has no method {name!r}.\nPass `method`, a method "
            "of the module or a function whose first argument is the module."
        )
    called: Callable[..., Any] = found
    return called


def _split_collections(variables: Any) -> tuple[Any, Any]:
    """Returns the trained collection of a module, and the other ones."""
    if variables is None:
        return None, None
    params = {name: tree for name, tree in variables.items() if name == "params"}
    return params, {name: tree for name, tree in variables.items() if name != "params"}


def _describe_module(module: Any) -> Any:
    """Returns the config of a module: that of its `get_config`, or its fields."""
    cls = type(module)
    if callable(getattr(cls, "get_config", None)):
        return registry.serialize(module)
    fields = {}
    for item in dataclasses.fields(module):
        value = getattr(module, item.name)
        if item.init and item.name not in _OF_FLAX and value is not item.default:
            fields[item.name] = _describe_field(item.name, value)
    return {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "config": fields,
        "registered_name": registry.get_registered_name(cls),
    }


def _describe_field(name: str, value: Any) -> Any:
    if isinstance(value, _import_linen().Module):
        return _describe_module(value)
    if name.endswith("dtype") and value is not None:
        return jnp.dtype(value).name  # dtypes are given as classes, too
    if isinstance(value, (list, tuple)):
        return type(value)(_describe_field("", item) for item in value)
    return registry.serialize(value)


def _create_module(config: Any) -> Any:
    """Creates a module, or the value of a field of a module, from its description."""
    if isinstance(config, (list, tuple)):
        return type(config)(_create_module(item) for item in config)
    if not isinstance(config, dict) or "class_name" not in config:
        return registry.deserialize(config)
    if config["class_name"] == "function" or config["class_name"].startswith("__"):
        return registry.deserialize(config)
    cls = _find_module_class(config)
    if cls is None:
        return registry.deserialize(config)
    return cls(**{name: _create_module(value) for name, value in config["config"].items()})


def _find_module_class(config: dict[str, Any]) -> Any:
    """Returns the class of a module that is described by its fields, or None for other objects."""
    linen, source = _import_linen(), str(config.get("module") or "")
    if source.partition(".")[0] == "flax":
        found = vars(linen).get(config["class_name"])
    else:
        name = str(config.get("registered_name") or config["class_name"])
        found = registry.find(None, name, source)
    is_module = inspect.isclass(found) and issubclass(found, linen.Module)
    return found if is_module and not hasattr(found, "from_config") else None
