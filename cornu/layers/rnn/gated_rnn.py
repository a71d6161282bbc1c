"""GatedRNN: base class of LSTM and GRU."""

from __future__ import annotations

from typing import Any, Literal

from cornu.core.layer.input_spec import InputSpec
from cornu.layers.arguments import SEQUENCE_HINT
from cornu.layers.rnn.cell_protocol import GatedCell
from cornu.layers.rnn.rnn import RNN

__all__ = ["GatedRNN"]


class GatedRNN(RNN):
    """Base class of the recurrent layers for which Keras has a cuDNN implementation.

    Args:
        cell: the cell.
        use_cudnn: `"auto"`, True or False. It has no effect, since XLA compiles the layer.
        **kwargs: passed to `RNN`.
    """

    def __init__(
        self, cell: GatedCell, *, use_cudnn: bool | Literal["auto"] = "auto", **kwargs: Any
    ) -> None:
        super().__init__(cell, **kwargs)
        if use_cudnn not in ("auto", True, False):
            raise ValueError(
                f"{self._label_()}: `use_cudnn` must be 'auto', True or False, which are "
                f"equivalent. Received: {use_cudnn!r}"
            )
        self.use_cudnn = use_cudnn
        self.input_spec = InputSpec(ndim=3, hint=SEQUENCE_HINT)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments without those that choose an implementation."""
        # Keras leaves them out as well: a file does not depend on the device that wrote it.
        omitted = ("use_cudnn", *GatedCell.options)
        return {name: x for name, x in super().get_config().items() if name not in omitted}
