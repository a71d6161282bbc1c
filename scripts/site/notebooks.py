"""Shows the notebooks of the gallery as pages: text, code, outputs, and pictures as files."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

import nbformat

__all__ = ["notebook_page"]

_PICTURES = {"image/svg+xml": "svg", "image/png": "png"}


def notebook_page(notebook: nbformat.NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """Returns the page of a notebook, and the files of its pictures by name.

    Args:
        notebook: the notebook.
        name: the name of its program.
    """
    pictures: dict[str, bytes] = {}
    parts = [part for cell in notebook.cells for part in _parts(cell, name, pictures)]
    links = (
        f"[Notebook](../files/examples/gallery/notebooks/{name}.ipynb) · "
        f"[program](../files/examples/gallery/{name}.py)"
    )
    return "\n\n".join([parts[0], links, *parts[1:]]) + "\n", pictures


def _parts(cell: nbformat.NotebookNode, name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """Yields the Markdown of a cell and its outputs, and adds its pictures to those of the page."""
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.outputs:
        if output.output_type == "stream":
            yield f"```text\n{output.text.rstrip()}\n```"
            continue
        kind = next((kind for kind in _PICTURES if kind in output.data), None)
        if kind is not None:
            file = f"{name}_{len(pictures) + 1}.{_PICTURES[kind]}"
            content = output.data[kind]
            pictures[file] = content.encode() if kind == "image/svg+xml" else b64decode(content)
            yield f"![{output.data['text/plain']}]({file})"
        elif "text/html" in output.data:
            yield f"<div>\n{_without_blank_lines(output.data['text/html'])}\n</div>"
        else:
            yield f"```text\n{output.data['text/plain']}\n```"


def _without_blank_lines(html: str) -> str:
    """Returns HTML that is one block of Markdown, which a blank line would end."""
    return "\n".join(line for line in html.splitlines() if line.strip())
