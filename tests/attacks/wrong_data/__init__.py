"""Wrong and odd data: a product of faults, sources and methods, and the outcome of each.

A `Fault` changes clean data. It says what must happen: the data is refused, or it is taken as
other, clean data. A source passes the data to a method as arrays, or as batches of which one has
the fault. `run` calls the method and judges the outcome: data that must be refused is refused
before the step that would use it, by an error of Python that says what is wrong and what to do.
"""

from tests.attacks.wrong_data.cases import Case, Outcome, cases, run

__all__ = ["Case", "Outcome", "cases", "run"]
