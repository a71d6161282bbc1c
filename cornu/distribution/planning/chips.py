"""The table of chips: peak rates, memory, links, and where the manufacturer states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CHIPS", "Chip", "find_chip"]

_GIB = 1 << 30


@dataclass(frozen=True)
class Chip:
    """An accelerator and its links.

    Rates of links are those of one direction: a link of "900 GB/s" in total sends 450 GB/s.

    Attributes:
        name: the name in the table.
        title: the product.
        flops: peak floating-point operations per second, without sparsity, by XLA's name of the
            element type. "f32" is the rate at which XLA multiplies matrices of float32 by default:
            TF32 on GPUs, bfloat16 on TPUs.
        memory: bytes of memory.
        memory_rate: bytes per second between memory and the chip.
        link_rate: bytes per second that a chip sends to others of its node.
        network_rate: bytes per second that a chip sends to other nodes.
        node_size: the number of chips in a node; for TPUs, in a slice of which all chips are
            connected directly.
        sources: the manufacturer's pages with these numbers.
        link_latency, network_latency: seconds until the first byte arrives, within a node and
            between nodes. Manufacturers do not state them; these are assumptions.
        reduce_scatters: whether XLA replaces an all-reduce of which each device uses its part only.

    Example:

    >>> import cornu
    >>> chip = cornu.distribution.CHIPS["h100"]
    >>> isinstance(chip, cornu.distribution.Chip), chip.node_size
    (True, 8)
    """

    name: str
    title: str
    flops: Mapping[str, float] = field(hash=False)
    memory: float
    memory_rate: float
    link_rate: float
    network_rate: float
    node_size: int
    sources: tuple[str, ...]
    link_latency: float = 2e-6
    network_latency: float = 5e-6
    reduce_scatters: bool = True

    def peak(self, dtype: str) -> float:
        """Returns the peak rate for an element type, in operations per second.

        Args:
            dtype: the short name of XLA, such as "bf16"; the rate is that of "f32" for types that
                are not in the table.
        """
        return self.flops.get(dtype, self.flops["f32"])


_NVIDIA = "https://resources.nvidia.com/en-us-tensor-core/"
_H100 = {"f32": 494.7e12, "bf16": 989.4e12, "f16": 989.4e12, "f8e4m3fn": 1978.9e12}
_A100 = {"f32": 156e12, "bf16": 312e12, "f16": 312e12}
_DGX_A100 = "https://docs.nvidia.com/dgx/dgxa100-user-guide/introduction-to-dgxa100.html"
_A100_DATASHEET = (
    "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/"
    "nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf"
)
_DGX_H100 = "https://docs.nvidia.com/dgx/dgxh100-user-guide/introduction-to-dgxh100.html"
_TPU = "https://docs.cloud.google.com/tpu/docs/"

_ROWS = (
    Chip(
        "a100",
        "NVIDIA A100 SXM 80 GB",
        *(_A100, 80e9, 2039e9, 300e9, 25e9, 8),
        (_A100_DATASHEET, _DGX_A100),
    ),
    Chip(
        "a100-40gb",
        "NVIDIA A100 SXM 40 GB",
        *(_A100, 40e9, 1555e9, 300e9, 25e9, 8),
        (_A100_DATASHEET, _DGX_A100),
    ),
    Chip(
        "h100",
        "NVIDIA H100 SXM 80 GB",
        *(_H100, 80e9, 3350e9, 450e9, 50e9, 8),
        (_NVIDIA + "nvidia-tensor-core-gpu-datasheet", _DGX_H100),
    ),
    Chip(
        "h200",
        "NVIDIA H200 SXM 141 GB",
        *(_H100, 141e9, 4800e9, 450e9, 50e9, 8),
        ("https://www.nvidia.com/en-us/data-center/h200/", _DGX_H100),
    ),
    Chip(
        "tpu-v5e",
        "Google Cloud TPU v5e",
        {"f32": 197e12, "bf16": 197e12, "s8": 393e12},
        *(16e9, 819e9, 200e9, 3.125e9, 256),
        (_TPU + "v5e",),
    ),
    Chip(
        "tpu-v5p",
        "Google Cloud TPU v5p",
        {"f32": 459e12, "bf16": 459e12},
        *(95 * _GIB, 2765e9, 600e9, 6.25e9, 6144),
        (_TPU + "v5p-training",),
    ),
    Chip(
        "tpu-v6e",
        "Google Cloud TPU v6e (Trillium)",
        {"f32": 918e12, "bf16": 918e12, "s8": 1836e12},
        *(32e9, 1638e9, 400e9, 12.5e9, 256),
        (_TPU + "v6e",),
    ),
)

CHIPS: Mapping[str, Chip] = {chip.name: chip for chip in _ROWS}


def find_chip(chip: str | Chip) -> Chip:
    """Returns the row of the table for a name, in any case and with or without hyphens.

    Args:
        chip: a name; a Chip is returned as it is.

    Raises:
        ValueError: the name is not in the table.

    Example:

    >>> find_chip("H100").title
    'NVIDIA H100 SXM 80 GB'
    """
    if isinstance(chip, Chip):
        return chip
    plain = {_plain(name): row for name, row in CHIPS.items()}
    found = plain.get(_plain(str(chip)))
    # "v5e" and "h100-80gb" are in use as well.
    found = found or plain.get("tpu" + _plain(str(chip)))
    if found is None:
        raise ValueError(
            f"Unknown chip {chip!r}. Known: {', '.join(CHIPS)}.\n"
            "For another chip, pass a cornu.distribution.Chip with its rates."
        )
    return found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
