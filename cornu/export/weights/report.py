"""WeightReport: which layer got which module of another library, and why others did not."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Match", "WeightReport"]


@dataclass(frozen=True)
class Match:
    """A layer and the module whose parameters it got.

    Attributes:
        layer: the path of the layer.
        module: the prefix of the module in the state_dict or tree.
        kind: the class of the module in the other library.
        how: `"mapping"`, `"name"` or `"order"`.
        note: what else was done, such as a bias that was set to 0.
    """

    layer: str
    module: str
    kind: str
    how: str
    note: str = ""


@dataclass
class WeightReport:
    """What `cornu.export.load_state_dict`, `load_flax` or `load_optax` did.

    Attributes:
        matches: the layers and their modules.
        missing: layers without a module, with the reason.
        unused: keys of the state_dict or tree that no layer took, with the reason.

    Example:

    >>> import cornu
    >>> cornu.export.WeightReport(missing=["layer 'head'"]).missing
    ["layer 'head'"]
    """

    matches: list[Match] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every layer with weights has a module, and every key was taken."""
        return not self.missing and not self.unused

    def __str__(self) -> str:
        rows = [("layer", "module", "class", "matched by", "note")]
        rows += [(m.layer, m.module, m.kind, m.how, m.note) for m in self.matches]
        rows += [(layer, "-", "", "", reason) for layer, reason in self.missing.items()]
        rows += [("-", key, "", "", reason) for key, reason in self.unused.items()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
