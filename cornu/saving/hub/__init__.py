"""Repositories of the Hugging Face Hub: addresses, downloads that are verified, uploads."""

from cornu.saving.hub.address import is_address
from cornu.saving.hub.download import MODELS, WEIGHTS, local_model, local_weights
from cornu.saving.hub.upload import upload_model

__all__ = ["MODELS", "WEIGHTS", "is_address", "local_model", "local_weights", "upload_model"]
