"""The table of networks."""

from benchmarks import networks
from benchmarks.report import Setting

SETTING = Setting("today", {"jax": "1", "keras": "2"}, "a machine", 2, "cpu", 0.0, {})
SAMPLE = networks.Sample(0.5, 2.5, 1000, 3, "a", [[1.0, 2.0]])


def test_the_table_tells_what_differs():
    keras = networks.Sample(5.0, 5.0, 1001, 3, "b", [[1.0, 4.0]])
    lines = networks.page(SETTING, [networks.Row("Net", SAMPLE, keras)]).splitlines()
    row = next(line for line in lines if line.startswith("| Net"))
    assert (
        row
        == "| Net | 1,000; Keras 1,001 | 3 | differ | 5e-01 | 0.50 | 5.00 | 0.100 | 2.50 | 0.500 |"
    )


def test_equal_networks():
    row = networks.Row("Net", SAMPLE, SAMPLE)
    assert row.difference == 0
    assert "| Net | 1,000 | 3 | equal | 0e+00 |" in networks.page(SETTING, [row])


def test_all_networks_are_measured():
    assert len(networks.NAMES) == 40 and "NASNetLarge" in networks.NAMES
