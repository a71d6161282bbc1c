"""Configs: constructor arguments are captured, and classes are found by name.

`Configurable` is the base class of layers, losses, metrics, optimizers, initializers and others. It
captures the arguments of the constructor, so that classes need not define `get_config()`.
Deserialization looks names up in tables only: the classes of cornu, and those that the running
program registered. A config causes no import other than that of the library's own packages, which
register their names when they are imported.

The modules, from the lowest to the highest: `names` has the names of the library, `custom_objects`
those of the program, `lookup` searches both; `keywords` checks the keywords of constructors, and
`arguments` captures their arguments; `archive` keeps the identity of objects within a file;
`serialization`, `lambdas` and `deserialization` convert objects to plain data and back;
`configurable` has the base class.
"""

from cornu.registry.archive import (
    Archive,
    archive_scope,
    current_archive,
    set_archive_writer,
    write_archive,
)
from cornu.registry.arguments import ArgumentCapture
from cornu.registry.configurable import Configurable
from cornu.registry.custom_objects import (
    custom_object_scope,
    find_in_scopes,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from cornu.registry.deserialization import deserialize, resolve
from cornu.registry.lambdas import COMPILE, replace_lambdas
from cornu.registry.lookup import find
from cornu.registry.missing import describe_missing
from cornu.registry.names import add_class, add_function
from cornu.registry.serialization import (
    CLASS,
    code_scope,
    complete_config,
    copy_scope,
    is_copying,
    serialize,
)

__all__ = [
    "CLASS",
    "COMPILE",
    "Archive",
    "ArgumentCapture",
    "Configurable",
    "add_class",
    "add_function",
    "archive_scope",
    "code_scope",
    "complete_config",
    "copy_scope",
    "current_archive",
    "custom_object_scope",
    "describe_missing",
    "deserialize",
    "find",
    "find_in_scopes",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_copying",
    "register_keras_serializable",
    "replace_lambdas",
    "resolve",
    "serialize",
    "set_archive_writer",
    "write_archive",
]
