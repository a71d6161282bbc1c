"""Checks: what is probably wrong with a model, its data and how it is trained."""

from cornu.inspect.checks.gradients import check_gradients, check_outputs_of
from cornu.inspect.checks.look import look
from cornu.inspect.checks.report import Finding, Report
from cornu.inspect.checks.table import KINDS, Kind
from cornu.inspect.checks.view import Feed, Head, View, sample

__all__ = [
    "KINDS",
    "Feed",
    "Finding",
    "Head",
    "Kind",
    "Report",
    "View",
    "check_gradients",
    "check_outputs_of",
    "look",
    "sample",
]
