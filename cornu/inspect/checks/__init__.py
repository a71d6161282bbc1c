"""Checks that find probable mistakes in a model, its data and its training."""

from cornu.inspect.checks.catalog import KINDS, CheckKind
from cornu.inspect.checks.context import CheckContext, CheckedOutput, DataSample, sample_array
from cornu.inspect.checks.gradients import check_gradients, check_outputs_of
from cornu.inspect.checks.report import Finding, Report
from cornu.inspect.checks.run import run_checks

__all__ = [
    "KINDS",
    "CheckContext",
    "CheckKind",
    "CheckedOutput",
    "DataSample",
    "Finding",
    "Report",
    "check_gradients",
    "check_outputs_of",
    "run_checks",
    "sample_array",
]
