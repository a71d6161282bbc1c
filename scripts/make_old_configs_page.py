"""Writes docs/old_configs.md: configs and methods of the dialects beside those of the old versions.

python -m scripts.make_old_configs_page
"""

import collections
import json
from pathlib import Path

from cornu import names
from cornu.legacy.keras1.class_mapping import OldClass
from tests.dialects import test_configs as configs
from tests.dialects import test_later_names as later

PAGE = Path(__file__).parents[1] / "docs" / "old_configs.md"
HEAD = """# Configs of the dialects

Each class was created with what it requires, and once for each further argument with another value,
in the [dialect](old_programs.md) and in the old version itself. `equal` counts the configs of which
all entries and values are equal; the others differ in the entries of the second table only.
`from_config` counts the objects that are created from their configs, of the class of the version,
with the same config. 2.15.0 is tf.keras, compared with tf_keras 2.21. `python -m
scripts.make_old_configs_page` writes this page, from the configs that
`scripts/make_dialect_configs.py` wrote in each version.

"""
TABLE = "| version | classes of | classes | configs | equal | from_config |\n"
OTHERS = "| version | class | entries | reason |\n"
METHODS = """
# Methods of tf.keras

tf_keras 2.21 has {total} methods and properties in {classes} classes. {count} of them, of the
classes that the dialect has, are compared with those of the dialect: names, order of the
parameters, and their names. These are left out or called otherwise:

| method | reason |
| --- | --- |
"""


def main() -> None:
    rows, exceptions = [], []
    for version in configs.VERSIONS:
        found = collections.defaultdict(collections.Counter)
        classes = collections.defaultdict(set)
        names.reset()
        for layers in (True, False):
            for name, _, made, live in configs.objects_of(version, layers):
                module = "layers" if layers else name.partition(".")[0]
                config = made.get_config()
                again = type(made).from_config(config)
                classes[module].add(name)
                count = found[module]
                count["configs"] += 1
                count["equal"] += not configs.differences(configs.data(config), live)
                count["again"] += type(again) is type(made) and again.get_config() == config
        for module, count in found.items():
            numbers = (len(classes[module]), count["configs"], count["equal"], count["again"])
            rows.append(f"| {version} | {module} | {' | '.join(map(str, numbers))} |\n")
        exceptions += [f"| {version} | {row} |\n" for row in exceptions_of(version)]
    everywhere = f"| all | `Lambda` | `function` | {configs.FUNCTION} |\n"
    text = f"{HEAD}{TABLE}{'| --- ' * 6}|\n{''.join(rows)}\n"
    text += f"{OTHERS}{'| --- ' * 4}|\n{everywhere}{''.join(exceptions)}{refused()}{methods()}"
    PAGE.write_text(text)


def exceptions_of(version):
    """Yields the cells of each class whose configs differ, with the reason."""
    known = {**configs.OTHER[version], **configs.OTHER_PARTS[version]}
    for name, entries in known.items():
        by_reason = collections.defaultdict(list)
        for entry, reason in entries.items():
            by_reason[reason].append(f"`{entry}`")
        for reason, found in by_reason.items():
            yield f"`{name}` | {', '.join(found)} | {reason}"


def refused():
    """Returns the rows of classes and arguments that do not exist."""
    rows = [f"| all | `{name}` | none | {reason} |\n" for name, reason in configs.LEFT_OUT.items()]
    rows += [
        f"| tf.keras | `{name}` | `{argument}` is refused | {reason} |\n"
        for (name, argument), reason in configs.REFUSED.items()
    ]
    return "".join(rows)


def methods():
    """Returns the section about methods of tf.keras."""
    table = json.loads((Path(later.HERE) / "tf_keras_methods.json").read_text())
    others = {**later.LEFT_OUT_OF_TENSORFLOW, **later.OTHER_METHODS_OF_TENSORFLOW}
    rows = [f"| `{method}` | {reason} |\n" for method, reason in sorted(others.items())]
    total = sum(map(len, table.values()))
    count = sum(len(found) for path, found in table.items() if has_class(path))
    return METHODS.format(count=f"{count:,}", total=f"{total:,}", classes=len(table)) + "".join(
        rows
    )


def has_class(path):
    """Returns whether the dialect of tf.keras has a class, not a function."""
    home, _, name = path.rpartition(".")
    if home in later.LEFT_OUT_MODULES:
        return False
    found = vars(later.module("2.15.0", home)).get(name)
    return isinstance(found, (type, OldClass))


if __name__ == "__main__":
    main()
