"""Names that a stranger could write into a file."""

import re

NAMES = {
    # Titles of windows, colors, C1 controls; direction of writing; line ends and separators.
    "controls": "a\x1b]0;title\x07\x1b[31mred\x9b\u202eb\u2066c\u200f\r\nd\u2028e\ufeff",
    "markup": "<img src=x onerror=alert(1)>\"'&<marquee><script>",
    "huge": "n" * 70_000,
}
# What a terminal or page acts on. Line ends and tabs may stand between names.
ACTIVE = re.compile(
    "[^\\S\n\t \xa0]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
