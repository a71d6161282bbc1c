"""Models with inputs of strings: a part of their graph runs on the host, the rest is compiled."""
