"""Lines of several processes: whole, with the number of the process."""

import pytest

from cornu.launcher.output import Output


@pytest.mark.parametrize(
    "count, first_only, expected",
    [
        (2, False, "[0] one\n[1] other\n[0] two\n"),
        (2, True, "[0] one\n[0] two\n"),
        (1, False, "one\ntwo\n"),
    ],
)
def test_lines_are_shown_whole(count, first_only, expected, capsys):
    with Output(count, first_only, None) as output:
        output.write(0, False, b"one\ntw")
        if count > 1:
            output.write(1, False, b"other\n")
        output.write(0, False, b"o\n")
    assert capsys.readouterr().out == expected


def test_each_update_of_a_progress_bar_is_a_line(capsys):
    with Output(2, False, None) as output:
        output.write(1, True, b"10%\r20%\r")
        output.write(1, True, b"done\r\n")
    assert capsys.readouterr().err == "[1] 10%\r[1] 20%\r[1] done\r\n"


def test_a_line_without_an_end_is_shown_at_the_end(capsys):
    with Output(2, False, None) as output:
        output.write(0, False, b"no end")
        assert capsys.readouterr().out == ""
        output.write(0, False, b"")
    assert capsys.readouterr().out == "[0] no end\n"


def test_the_last_errors_are_kept_also_if_they_are_not_shown(capsys):
    with Output(2, True, None) as output:
        output.write(1, True, b"".join(b"line %d\n" % i for i in range(100)))
        output.write(1, False, b"not an error\n")
    assert output.last_errors(1) == [f"line {i}" for i in range(80, 100)]
    assert output.last_errors(0) == []
    assert capsys.readouterr() == ("", "")


def test_bytes_that_are_not_text_are_replaced(capsys):
    with Output(1, False, None) as output:
        output.write(0, False, b"\xff\n")
    assert capsys.readouterr().out == "\ufffd\n"


def test_files_have_the_whole_output_of_each_process(tmp_path, capsys):
    with Output(2, True, str(tmp_path / "logs")) as output:
        output.write(0, False, b"a\n")
        output.write(1, True, b"b")
        output.write(1, False, b"c\n")
    written = {path.name: path.read_bytes() for path in (tmp_path / "logs").iterdir()}
    assert written == {"process0.log": b"a\n", "process1.log": b"bc\n"}
