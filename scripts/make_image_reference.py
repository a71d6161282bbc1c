"""Writes the images of tests/dialects/image_cases.py by Keras 1.2.2, 2.2.4 or 2.3.1.

In an environment in which `import keras` imports that version:

    python scripts/make_image_reference.py

The images of the other versions stay as they are.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras.preprocessing import image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.dialects import image_cases  # noqa: E402

PATH = ROOT / "tests/dialects/image_reference.npz"

if __name__ == "__main__":
    found = dict(np.load(PATH)) if PATH.exists() else {}
    for name, value in image_cases.run(image, keras.__version__).items():
        found[f"{keras.__version__}/{name}"] = value.astype("float32")
    np.savez_compressed(PATH, **found)
