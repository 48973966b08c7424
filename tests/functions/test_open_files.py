"""More files than may be open at once: they are read all the same, or the message says what is wrong."""

import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from jet_formats import EXAMPLES, toy_block, write_example, write_npz
from jetpulse.cli import main
from jetpulse.config import JetDataset, JetSource
from jetpulse.errors import UserError
from jetpulse.jets import intake
from jetpulse.jets.intake import jets_of_files
from jetpulse.jets.readers import read_jets
from jetpulse.open_files import room_for, too_many_open
from jetpulse.problems.pictures import read_picture
from jetpulse.problems.readers import open_file
from jetpulse.pulses.readers import read_traces
from jetpulse.samples import Block, load_json
from test_frames import write_frame
from toy_jets import assert_one_line


@contextmanager
def limited(files: int):
    """Let about so many more files be open than are now, none at all for 0."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = len(list(Path("/dev/fd").iterdir())) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (now + files if files else 0, hard))
    try:
        yield now + files
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def one_class_files(folder: Path, number: int) -> dict:
    files = [
        {"path": str(write_npz(folder / f"{i}.npz", toy_block(9, i), label=None)), "label": i % 2}
        for i in range(number)
    ]
    return {"kind": "jets", "source": {"files": files, "format": "npz"}}


def blocks(spec: dict) -> list[tuple[str, Block]]:
    return list(jets_of_files(JetDataset.model_validate(spec)))


def test_files_that_find_no_room_are_opened_again_and_give_the_same_jets(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "_FEWEST", 4)
    monkeypatch.setattr(intake, "_ROWS", 4)
    spec = one_class_files(tmp_path, 5)
    spec["source"]["select"] = {"pt": [30, 1000]}
    expected = blocks(spec)
    assert len(expected) > 3

    @contextmanager
    def few(files):
        yield 2

    monkeypatch.setattr(intake, "room_for", few)
    for (split, block), (other, same) in zip(blocks(spec), expected, strict=True):
        assert split == other
        np.testing.assert_array_equal(block.entries["event"], same.entries["event"])
        np.testing.assert_array_equal(block.flat["constituents"], same.flat["constituents"])


def test_the_limit_is_raised_for_as_long_as_it_takes(tmp_path):
    spec = one_class_files(tmp_path, 30)
    expected = sum(len(block) for _, block in blocks(spec))
    with limited(20) as limit:
        assert sum(len(block) for _, block in blocks(spec)) == expected == 270
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit
        with room_for(10**9) as room:
            assert room < 10**9
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_reader_of_jets_blames_a_file_that_cannot_be_opened_for_the_many_that_are(tmp_path, name):
    path, source = write_example(name, tmp_path / "jets")
    source = JetSource(**source)
    list(read_jets(path, source))  # what is imported on the way is there by now
    with limited(0), pytest.raises(UserError) as error:
        list(read_jets(path, source))
    assert_one_line(error, f"{path}: too many files are open at once", "ulimit -n")


def test_other_readers_do_not_either(tmp_path):
    np.savez(tmp_path / "p.npz", waveform=np.zeros((3, 2, 4)), label=np.zeros(3, int))
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    frame = write_frame(tmp_path / "f.h5", np.ones((3, 2)))
    for read, path in (
        (lambda path: list(read_traces(path)), tmp_path / "p.npz"),
        (open_file, tmp_path / "t.csv"),
        (open_file, frame),
        (read_picture, tmp_path / "t.csv"),
        (load_json, tmp_path / "t.csv"),
    ):
        with limited(0), pytest.raises((UserError, OSError)) as error:
            read(path)
        assert "too many files are open at once" in (str(error.value) + too_many_open(error.value))


def test_the_command_line_says_so_in_one_line(tmp_path, monkeypatch, capsys):
    def full(*args):
        raise OSError(23, "Too many open files in system")

    monkeypatch.setattr("jetpulse.problems.files.write_samples", full)
    spec = '{"kind": "problems", "source": {"points": {"shape": "xor"}}}'
    assert main(["build-problems", str(tmp_path / "s.h5"), "--spec", spec]) == 1
    assert capsys.readouterr().err.endswith(
        "jetpulse build-problems: too many files are open on this machine; try again later\n"
    )
