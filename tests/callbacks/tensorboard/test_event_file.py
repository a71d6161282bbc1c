"""EventWriter: files that TensorBoard reads; parsed here independently."""

import importlib.util
import struct
import zlib

import numpy as np
import pytest

from cornu.callbacks.tensorboard.event_file import EventWriter, crc32c


def records(path):
    """Parses the records of a file and verifies their checksums."""
    data, found = path.read_bytes(), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        assert unmasked(data[8:12]) == slow_crc(data[:8])
        body, end = data[12 : 12 + size], data[12 + size : 16 + size]
        assert unmasked(end) == slow_crc(body)
        found.append(fields(body))
        data = data[16 + size :]
    return found


def unmasked(four):
    turned = (struct.unpack("<I", four)[0] - 0xA282EAD8) & 0xFFFFFFFF
    return (turned >> 17 | turned << 15) & 0xFFFFFFFF


def slow_crc(data):
    """CRC-32C bit by bit, from the textbook polynomial."""
    remainder = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            top = remainder >> 31
            remainder = (remainder << 1) & 0xFFFFFFFF
            if top ^ (byte >> bit & 1):
                remainder ^= 0x1EDC6F41
    return int(f"{remainder:032b}"[::-1], 2) ^ 0xFFFFFFFF


def fields(data):
    """Returns {field number: [values]} of a message."""
    found = {}

    def varint():
        nonlocal data
        value = shift = 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while data:
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value, data = data[:size], data[size:]
        found.setdefault(key >> 3, []).append(value)
    return found


def values(path):
    """Returns (step, tag, fields of the value) of each summary."""
    found = []
    for event in records(path)[1:]:
        value = fields(fields(event[5][0])[1][0])
        found.append((event[2][0], value[1][0].decode(), value))
    return found


def double(four):
    return struct.unpack("<d", four)[0]


def png(height, width):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x80\x20\x20" * width) * height
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body


def test_checksums_of_known_strings():
    assert crc32c(b"") == 0 and crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(bytes(range(32))) == 0x46DD794E
    assert all(crc32c(text) == slow_crc(text) for text in (b"a", b"\xff" * 9, bytes(range(256))))


def test_a_file_begins_with_its_version(tmp_path):
    with EventWriter(tmp_path / "new" / "folder", ".end") as writer:
        pass
    (first,) = records(writer.path)
    assert first[3] == [b"brain.Event:2"] and double(first[1][0]) > 1e9
    assert writer.path.name.startswith("events.out.tfevents.") and writer.path.suffix == ".end"


def test_scalars(tmp_path):
    with EventWriter(tmp_path) as writer:
        writer.scalar("loss", 0.25, 3)
        writer.scalar("é", float("nan"), 1 << 40)
    (step, tag, value), (late, name, nan) = values(writer.path)
    assert (step, tag, struct.unpack("<f", value[2][0])[0]) == (3, "loss", 0.25)
    assert (late, name) == (1 << 40, "é") and np.isnan(struct.unpack("<f", nan[2][0])[0])


def test_histograms(tmp_path):
    data = np.array([0.0, 1.0, 1.5, 4.0, np.nan, np.inf])
    with EventWriter(tmp_path) as writer:
        writer.histogram("h", data, 7, bins=4)
        writer.histogram("constant", np.full(5, 2.0), 8)
    ((step, tag, value), (_, _, constant)) = values(writer.path)
    message = fields(value[5][0])
    assert (step, tag) == (7, "h")
    assert [double(message[i][0]) for i in range(1, 6)] == [0.0, 4.0, 4.0, 6.5, 19.25]
    assert np.frombuffer(message[6][0]).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert np.frombuffer(message[7][0]).tolist() == [0.0, 1.0, 2.0, 0.0, 1.0]
    limits = np.frombuffer(fields(constant[5][0])[6][0])
    assert (np.diff(limits) > 0).all()


def test_counts_of_equal_values_get_a_width(tmp_path):
    with EventWriter(tmp_path) as writer:
        writer.counts("c", [3, 0], [1.0, 1.0, 1.0], 0, 3.0, 3.0)
    message = fields(values(writer.path)[0][2][5][0])
    assert np.frombuffer(message[6][0]).tolist() == [0.5, 1.5]
    assert np.frombuffer(message[7][0]).tolist() == [0.0, 3.0]


def test_pictures_texts_and_graphs(tmp_path):
    with EventWriter(tmp_path) as writer:
        writer.image("picture", png(2, 3), 2, 3, 0)
        writer.text("note", "*so*", 1)
        writer.graph(b"graph")
    events = records(writer.path)
    assert events[3][4] == [b"graph"]
    image = fields(fields(fields(events[1][5][0])[1][0])[4][0])
    assert image[1] == [2] and image[2] == [3] and image[4] == [png(2, 3)]
    text = fields(fields(events[2][5][0])[1][0])
    tensor = fields(text[8][0])
    assert tensor[1] == [7] and tensor[8] == [b"*so*"]
    assert fields(fields(text[9][0])[1][0])[1] == [b"text"]


def test_flushed_events_are_readable_before_the_end(tmp_path):
    writer = EventWriter(tmp_path)
    writer.scalar("a", 1, 0)
    writer.flush()
    assert len(records(writer.path)) == 2
    writer.close()


def test_two_writers_have_two_files(tmp_path):
    with EventWriter(tmp_path) as one, EventWriter(tmp_path) as two:
        assert one.path != two.path


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed"
)
def test_tensorboard_reads_it(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with EventWriter(tmp_path) as writer:
        writer.scalar("loss", 0.25, 3)
        writer.histogram("h", np.arange(10.0), 4)
        writer.image("picture", png(2, 3), 2, 3, 5)
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    assert [(e.step, e.value) for e in reader.Scalars("loss")] == [(3, 0.25)]
    assert reader.Histograms("h")[0].histogram_value.num == 10
    assert reader.Images("picture")[0].width == 3
