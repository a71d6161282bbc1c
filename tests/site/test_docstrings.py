"""Docstrings as Markdown."""

from scripts.site.docstrings import to_markdown

DOCSTRING = """\
Multiplies by a_b.

y = x * a

    z = x * y

Text with `Dense`, `other` and a [bracket] <tag>.

Args:
    x: a number, continued
        on a second line.
    **kwargs: `name` and others.

Raises:
    ValueError: x is *negative*.

Example:

>>> 1 + 1
2

Differences: keras returns a `list`.

Note: the end, in two
lines.
"""

MARKDOWN = """\
Multiplies by a\\_b.

```text
y = x * a
```

```text
z = x * y
```

Text with [`Dense`](Dense.md), `other` and a \\[bracket\\] \\<tag>.

**Arguments**

- `x`: a number, continued on a second line.
- `**kwargs`: `name` and others.

**Raises**

- `ValueError`: x is \\*negative\\*.

**Example**

```pycon
>>> 1 + 1
2
```

!!! warning "Differences from Keras"

    Keras returns a `list`.

!!! note "Note"

    The end, in two
    lines.
"""


def test_sections_become_markdown():
    assert to_markdown(DOCSTRING, {"Dense": "Dense.md"}.get) == MARKDOWN
