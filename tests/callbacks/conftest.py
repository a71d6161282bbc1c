from tests.terminal.conftest import clock, terminal

__all__ = ["clock", "terminal"]
