"""The peers that cornu is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["BEGIN", "PEERS", "Peer", "Round"]

# The variable that holds when a process was started, in seconds of the monotonic clock.
BEGIN = "BENCHMARK_BEGIN"


class Round(NamedTuple):
    """What one round of a session gave.

    Attributes:
        values: one for each epoch, in the unit of the task.
        loss: of the last epoch, where something is trained.
    """

    values: list[float]
    loss: float | None = None


@dataclass(frozen=True)
class Peer:
    """A library, or a way to write a program.

    Attributes:
        package: what is imported.
        uses: what must be there to begin with; some packages load their parts late.
        sessions: the module whose SESSIONS do the tasks.
        environment: variables that its process needs.
        brief: whether a quick run has it, too.
        only: the tasks that it does; all if empty.
    """

    package: str
    uses: tuple[str, ...]
    sessions: str
    environment: Mapping[str, str] = field(default_factory=dict)
    brief: bool = True
    only: frozenset[str] = frozenset()

    @property
    def has_layers(self) -> bool:
        """Whether it has models, rather than only functions of arrays."""
        return self.sessions == "benchmarks.peers.layered"


_LAYERED = ("Sequential", "layers.Dense", "optimizers.Adam")


def _keras(backend: str, brief: bool = True) -> Peer:
    return Peer("keras", _LAYERED, "benchmarks.peers.layered", {"KERAS_BACKEND": backend}, brief)


PEERS = {
    "cornu": Peer("cornu", _LAYERED, "benchmarks.peers.layered"),
    "keras-jax": _keras("jax"),
    "keras-tf": _keras("tensorflow"),
    "keras-torch": _keras("torch", brief=False),
    "torch": Peer("torch", ("nn.Linear", "optim.Adam"), "benchmarks.peers.torched"),
    "torch.compile": Peer(
        "torch",
        ("nn.Linear", "optim.Adam"),
        "benchmarks.peers.torch_compiled",
        brief=False,
        # It compiles for up to a minute in each process.
        only=frozenset(
            "mlp_fit cnn_fit lstm_fit transformer_fit resnet18_fit mlp_start cnn_start".split()
        ),
    ),
    "jax": Peer("jax", ("jit", "numpy.matmul"), "benchmarks.peers.plain"),
    "nnx": Peer("flax.nnx", ("Linear", "Optimizer"), "benchmarks.peers.nnx", brief=False),
}
