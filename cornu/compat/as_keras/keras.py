"""Makes `import keras` import cornu, where the directory of this file is in `PYTHONPATH`."""

import sys

from cornu.compat.finder import install_as_keras

del sys.modules[__name__]
install_as_keras()
