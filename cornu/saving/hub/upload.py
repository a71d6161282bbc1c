"""Uploads a model as a repository."""

from __future__ import annotations

from pathlib import Path

from cornu._version import __version__
from cornu.saving.hub.address import parse_address
from cornu.saving.hub.download import import_hub

__all__ = ["upload_model"]

_CARD = """---
library_name: keras
---

A model of [cornu](https://pypi.org/project/cornu), in the format of Keras 3. It loads with both:

```python
import cornu

model = cornu.models.load_model("hf://{repository}")
```

`config.json` describes the architecture. This card was generated: complete it with what the model
is for, the data that it was trained with, and its limits.
"""


def upload_model(text: str, folder: Path) -> str:
    """Uploads the files of a model, with a card if the folder has none.

    Args:
        text: the address of a repository, which is created if there is none.
        folder: the files.

    Returns:
        The address of the page of the repository.

    Raises:
        ImportError: huggingface_hub is not installed.
        ValueError: the address names a file or a digest.
        PermissionError: there is no token, or it may not write to the repository.
        ConnectionError: the hub cannot be reached, or refused the files.
    """
    address = parse_address(text)
    if address.file is not None or address.sha256 is not None:
        raise ValueError(
            f"{text!r}: a model is saved to a repository, such as 'hf://owner/repo'; its files get "
            "the names of Keras."
        )
    hub = import_hub()
    card = folder / "README.md"
    if not card.exists():
        card.write_text(_CARD.format(repository=address.repository), encoding="utf-8")
    api = hub.HfApi(hub.constants.ENDPOINT, library_name="cornu", library_version=__version__)
    try:
        url = api.create_repo(address.repository, exist_ok=True)
        api.upload_folder(
            repo_id=address.repository,
            folder_path=folder,
            revision=address.revision,
            commit_message="Save model using cornu.",
        )
    except Exception as error:  # which classes there are depends on the version of the hub
        raise _explain(text, error) from error
    return str(url)


def _explain(text: str, error: Exception) -> Exception:
    """Returns the error for an answer of the hub, or for none."""
    hub = import_hub()
    errors = hub.errors
    response = error.response if isinstance(error, errors.HfHubHTTPError) else None
    is_denied = response is not None and response.status_code in (401, 403)
    if is_denied or isinstance(error, errors.LocalTokenNotFoundError):
        return PermissionError(
            f"{text!r}: the hub does not let you write to the repository.\n"
            "Log in with `hf auth login`, or set HF_TOKEN to a token with the permission to write."
        )
    if response is not None:
        return ConnectionError(f"{text!r}: the hub refused the model. {error}")
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return ConnectionError(
        f"{text!r}: the Hugging Face Hub at {hub.constants.ENDPOINT} cannot be reached.\n"
        f"{type(error).__name__}: {error}"
    )
