"""Configs of all classes of five versions of Keras 2 and tf.keras, as they wrote them.

`scripts/make_old_configs.py` wrote the file.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cornu import registry
from cornu.legacy.compile import convert_optimizer, convert_training
from cornu.legacy.conversion import convert_model
from cornu.legacy.source import parse_version

CONFIGS = json.loads(gzip.decompress((Path(__file__).parent / "configs.json.gz").read_bytes()))

# What has no equal today.
ABSENT = {
    *(("constraints", "RadialConstraint"), ("metrics", "MeanTensor")),
    *(("layers", "RandomHeight"), ("layers", "RandomWidth")),
    ("layers.experimental", "RandomFourierFeatures"),
}
# The configs of cells in Keras 2.0 lack their arguments.
BEFORE_CELLS = ("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "RNN")


def create(module, name, config, source):
    entry = {"class_name": name, "config": config}
    if module.startswith("layers"):
        model = convert_model({"class_name": "Sequential", "config": [entry]}, source)
        return [registry.deserialize(item) for item in model["config"]["layers"]][-1]
    if module in ("optimizers", "optimizers.legacy"):
        return registry.resolve("optimizers", convert_optimizer(entry, source))
    if module in ("losses", "metrics"):
        training = {"optimizer_config": {"class_name": "SGD", "config": {}}, module: entry}
        part = "loss" if module == "losses" else "metrics"
        return registry.resolve(module, convert_training({**training, part: entry}, source)[part])
    if module == "optimizers.schedules":
        return registry.resolve(module, entry)
    dense = {
        "units": 2,
        {"initializers": "kernel_initializer"}.get(module, f"kernel_{module[:-1]}"): entry,
    }
    return create("layers", "Dense", dense, source)


@pytest.mark.parametrize(
    "version, module", [(v, module) for v, modules in CONFIGS.items() for module in modules]
)
def test_every_class_is_created_from_its_config(version, module):
    source = parse_version(version)
    for name, config in CONFIGS[version][module].items():
        absent = (module, name) in ABSENT or version == "2.0.9" and name in BEFORE_CELLS
        try:
            create(module, name, config, source)
        except (ValueError, TypeError):
            assert absent, (version, module, name)
            continue
        assert not absent, (version, module, name)


def test_names_are_those_of_the_classes_of_today_in_a_new_process():
    program = (
        "from cornu.legacy import optimizers; from cornu import registry;"
        "print({registry.find('optimizers', name).__module__.split('.')[1]"
        " for name in ('SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adam', 'Adamax', 'Nadam')})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "{'optimizers'}", done.stderr


def test_the_table_has_all_eras():
    assert set(CONFIGS) == {"2.0.9", "2.2.4", "2.3.1", "2.2.4-tf", "2.21.0"}
    assert sum(len(c) for modules in CONFIGS.values() for c in modules.values()) > 700
