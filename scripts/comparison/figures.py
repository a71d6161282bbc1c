"""The figures in the READMEs: sentences with blanks, and the numbers that fill them."""

from __future__ import annotations

import re

from scripts.comparison.page import RESULTS, times
from scripts.comparison.tables import count, find, number, rows

__all__ = ["READMES", "with_figures"]

# In each sentence, {name} is a number of `figures`.
READMES = {
    "README.md": (
        "of ResNet-152 has {shared} lines instead of {inlined}.",
        "of a small network takes {mlp} ms instead of {mlp_keras}, of an LSTM {lstm} ms instead of "
        "{lstm_keras}, of a CNN {cnn} ms instead of {cnn_keras}; building ResNet-50 takes "
        "{resnet} s instead of {resnet_keras}",
        "[{programs} of {programs_all} tried](docs/old_programs_table.md)",
        "{programs_equal} of them with equal losses",
        "[{packages} of {packages_all} tried](docs/packages.md)",
    ),
    "README.ko.md": (
        "{inlined}줄에서 {shared}줄로",
        "{mlp_keras} ms 대신 {mlp} ms, LSTM은 {lstm_keras} ms 대신 {lstm} ms, CNN은 {cnn_keras} ms "
        "대신 {cnn} ms가 걸리고, ResNet-50을 만드는 데는 {resnet_keras}초 대신 {resnet}초가",
        "[시험한 {programs_all}개 모두 실행되고 그중 {programs_equal}개는",
        "[{packages_all}개 중 {packages}개]",
    ),
}
_TASKS = {
    "mlp": "MLP 784-64-64-10: fit, batch 32",
    "lstm": "LSTM(128) over 100 steps: fit, batch 32",
    "cnn": "CNN on 28 x 28: fit, batch 128",
    "resnet": "ResNet-50: build with weights",
}


def figures() -> dict[str, str]:
    """Returns the numbers by name; times have two digits."""
    found: dict[str, str] = {}
    by_task = {row["task"]: row for row in times()}
    for name, task in _TASKS.items():
        found[name] = _two_digits(by_task[task]["cornu"])
        found[f"{name}_keras"] = _two_digits(by_task[task]["keras-jax"])
    blocks = [row for row in rows(RESULTS, "model", "blocks", "lines") if "152" in row["model"]]
    found |= {row["blocks"]: row["lines"] for row in blocks}
    programs = rows("docs/old_programs_table.md", "program", "ran", "equal")
    found["programs"] = str(count(programs, "ran", "both"))
    found["programs_all"] = str(len(programs))
    found["programs_equal"] = str(count(programs, "equal", "yes"))
    packages = find("docs/packages.md", r"(\d+) of (\d+) packages do everything")
    found["packages"], found["packages_all"] = map(str, packages)
    return found


def _two_digits(text: str) -> str:
    value = float(f"{number(text):.1e}")
    return f"{value:.0f}" if value >= 10 else f"{value:g}"


def with_figures(readme: str, text: str) -> str:
    """Returns the text of a README with the numbers of today.

    Args:
        readme: its name.
        text: its text.

    Raises:
        ValueError: a sentence is not in the text.
    """
    values = figures()
    for sentence in READMES[readme]:
        parts = re.split(r"\{(\w+)\}", sentence)
        pattern = "".join(
            r"([\d.,]*\d)" if number % 2 else re.escape(part).replace(r"\ ", r"\s+")
            for number, part in enumerate(parts)
        )
        match = re.search(pattern, text)
        if match is None:
            raise ValueError(f"{readme} has no sentence {sentence!r}.")
        for group in range(len(parts) // 2, 0, -1):
            start, end = match.span(group)
            text = text[:start] + values[parts[2 * group - 1]] + text[end:]
    return text
