"""Tests of reading the text of compiled programs."""

import pytest

from cornu.distribution.planning.hlo import Array, read_program

LOOP = """HloModule jit_f, num_partitions=8

%body (param: (s32[], f32[2,64], f32[6,8,64])) -> (s32[], f32[2,64], f32[6,8,64]) {
  %param = (s32[], f32[2,64]{1,0}, f32[6,8,64]{2,1,0}) parameter(0)
  %i = s32[] get-tuple-element(%param), index=0
  %one = s32[] constant(STEP)
  %next = s32[] add(%i, %one), metadata={op_name="jit(f)/while/body/add" stack_frame_id=4}
  %x = f32[2,64]{1,0} get-tuple-element(%param), index=1
  %w = f32[6,8,64]{2,1,0} get-tuple-element(%param), index=2
  ROOT %out = (s32[], f32[2,64]{1,0}, f32[6,8,64]{2,1,0}) tuple(%next, %x, %w)
}

%cond (param.1: (s32[], f32[2,64], f32[6,8,64])) -> pred[] {
  %param.1 = (s32[], f32[2,64]{1,0}, f32[6,8,64]{2,1,0}) parameter(0)
  %j = s32[] get-tuple-element(%param.1), index=0
  %stop = s32[] constant(STOP)
  ROOT %lt = pred[] compare(%j, %stop), direction=LT
}

ENTRY %main (w: f32[6,8,64], x: f32[2,64]) -> f32[2,64] {
  %start = s32[] constant(START)
  %x.1 = f32[2,64]{1,0} parameter(1), sharding={devices=[8,1]<=[8]}, metadata={op_name="x"}
  %w.1 = f32[6,8,64]{2,1,0} parameter(0), sharding={devices=[1,8,1]<=[8]}
  %init = (s32[], f32[2,64]{1,0}, /*index=2*/f32[6,8,64]{2,1,0}) tuple(%start, %x.1, %w.1)
  %loop = (s32[], f32[2,64]{1,0}, f32[6,8,64]{2,1,0}) while(%init), body=%body, condition=%condEND
  ROOT %r = f32[2,64]{1,0} get-tuple-element(%loop), index=1
}
"""


def loop(start="0", stop="6", step="1", stated=""):
    text = LOOP.replace("START", start).replace("STOP", stop).replace("STEP", step)
    return read_program(text.replace("END", stated))


@pytest.mark.parametrize(
    ("dtype", "shape", "nbytes"),
    [
        ("f32", (4, 8), 128),
        ("bf16", (4, 8), 64),
        ("pred", (5,), 5),
        ("s4", (5,), 3),
        ("f8e4m3fn", (4,), 4),
        ("c64", (2,), 16),
        ("s64", (), 8),
        ("f32", (0, 3), 0),
        ("token", (), 0),
    ],
)
def test_bytes_of_arrays(dtype, shape, nbytes):
    assert Array(dtype, shape).nbytes == nbytes


def test_instructions_are_read():
    program = loop()
    init = program.entry.instructions["init"]
    assert program.partitions == 8
    assert init.opcode == "tuple"
    assert [array.shape for array in init.results] == [(), (2, 64), (6, 8, 64)]
    assert init.operands == ("start", "x.1", "w.1")
    assert program.entry.operand_bytes(init) == init.nbytes == 4 + 512 + 12288
    assert program.entry.instructions["loop"].attribute("condition") == "%cond"
    assert program.entry.instructions["x.1"].attribute("sharding") == "{devices=[8,1]<=[8]}"
    assert program.entry.instructions["r"].is_root
    assert [user.name for user in program.entry.users["init"]] == ["loop"]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ({}, 6),
        ({"start": "2"}, 4),
        ({"step": "4"}, 2),
        ({"stop": "0"}, 0),
        ({"stated": ', backend_config={"known_trip_count":{"n":"9"}}'}, 9),
    ],
)
def test_trip_counts(arguments, count):
    program = loop(**arguments)
    found = program.trip_count(program.entry, program.entry.instructions["loop"])
    assert found == count
    times = {i.name: times for _, i, times in program.executions()}
    assert times["next"] == max(count, 1)
    assert not program.unbounded_loops()


def test_loops_of_unknown_length_count_once():
    text = LOOP.replace("END", "").replace("STOP", "6").replace("STEP", "1")
    unknown = text.replace("constant(START)", "get-dimension-size(%x.1), dimensions={0}")
    program = read_program(unknown)
    assert [loop.name for loop in program.unbounded_loops()] == ["loop"]
    assert {i.name: times for _, i, times in program.executions()}["next"] == 1


def test_calls_and_conditionals_are_executed():
    program = read_program(
        """HloModule m
%inner (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  ROOT %double = f32[4]{0} add(%p, %p)
}

%other (q: f32[4]) -> f32[4] {
  %q = f32[4]{0} parameter(0)
  ROOT %square = f32[4]{0} multiply(%q, %q)
}

ENTRY %main (x: f32[4], b: pred[]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  %b = pred[] parameter(1)
  %c1 = f32[4]{0} call(%x), to_apply=%inner
  %c2 = f32[4]{0} call(%c1), to_apply=%inner
  ROOT %if = f32[4]{0} conditional(%b, %c2, %x), true_computation=%inner, false_computation=%other
}
"""
    )
    names = [instruction.name for _, instruction, _ in program.executions()]
    assert names.count("double") == 3
    assert names.count("square") == 1


def test_other_texts_are_refused():
    with pytest.raises(ValueError, match="no line that starts with ENTRY"):
        read_program("module @jit_f { }")
