"""Momenta in another unit than they are taken for, and numbers that mean nothing."""

import json

import numpy as np
import pytest

from jet_formats import write_npz
from jetpulse.cli import main
from jetpulse.config import JetDataset
from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.files import write_samples
from jetpulse.jets.scales import Scales
from jetpulse.samples import Block, Writer, counts_to_offsets
from toy_jets import assert_one_line, make_block, momenta, random_jets


def hadrons(pt: float, n: int = 200, seed: int = 1, mass: float = 0.0) -> Block:
    """Return jets of about this pT in GeV: constituents as soft as those of real jets, the more the harder the jet."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(8 + 10 * np.log10(pt), n) + 1
    share = np.concatenate([rng.dirichlet(np.full(count, 0.3)) for count in counts])
    angles = rng.normal(0, 0.1, (counts.sum(), 2))
    constituents = momenta(np.column_stack([pt * share + 0.2, angles]))
    constituents[:, 0] = np.hypot(constituents[:, 0], mass)
    entries = {"event": np.arange(n), "label": (np.arange(n) % 2).astype(np.int8)}
    return Block(entries, counts_to_offsets(counts), {"constituents": constituents.astype(np.float32)})


def scaled(block: Block, factor: float) -> Block:
    return Block(block.entries, block.offsets, {"constituents": block.flat["constituents"] * np.float32(factor)})


def remarks(block: Block, unit: str = "GeV", logarithms: bool = False) -> list[str]:
    scales = Scales(unit, logarithms)
    scales.add("jets.root", block)
    return list(scales.remarks())


@pytest.mark.parametrize("pt", [5.0, 20.0, 600.0, 5000.0])
@pytest.mark.parametrize("unit", ["GeV", "MeV", "TeV"])
def test_jets_in_their_unit_are_plausible_and_those_of_another_are_not(pt, unit):
    block = hadrons(pt)
    assert remarks(block, unit, logarithms=True) == []
    for factor, kind, hints in (
        (1000, "large", {"GeV": "MeV", "TeV": "GeV"}),
        (1e-3, "small", {"GeV": "TeV", "MeV": "GeV"}),
    ):
        (line,) = remarks(scaled(block, factor), unit)
        assert line.startswith("jets.root: the median pT is ")
        assert f"implausibly {kind}; " in line
        assert line.endswith(
            f"set `unit: {hints[unit]}` if the file is in {hints[unit]}" if unit in hints else "check the unit"
        )


def test_masses_of_pions_tell_the_unit_of_the_hardest_constituents():
    three = hadrons(60.0, mass=0.13957)
    offsets = np.arange(len(three) + 1) * 3
    hard = np.concatenate([np.arange(first, first + 3) for first in three.offsets[:-1]])
    few = Block(three.entries, offsets, {"constituents": three.flat["constituents"][hard]})
    assert remarks(few) == []
    assert "large" in remarks(scaled(few, 1000))[0]


def test_logarithms_of_pt_are_seen_only_where_a_column_holds_pt():
    block = hadrons(600.0)
    pt = np.hypot(*block.flat["constituents"].T[1:3])
    logarithms = block.flat["constituents"] * (np.log(pt + 1) / pt)[:, None]
    found = Block(block.entries, block.offsets, {"constituents": logarithms.astype(np.float32)})
    assert "logarithm" in remarks(found, logarithms=True)[0]
    assert remarks(found) == []


@pytest.mark.parametrize(("factor", "said"), [(1.0, False), (2.0, False), (180 / np.pi, True), (1 / (2 * np.pi), True)])
def test_jets_that_are_not_round_have_another_phi_than_radians(factor, said):
    rng = np.random.default_rng(3)
    angles = rng.normal(0, 0.1, (4000, 2)) * [1.0, factor]
    constituents = momenta(np.column_stack([rng.exponential(20.0, 4000) + 1, angles])).astype(np.float32)
    entries = {"event": np.arange(200), "label": (np.arange(200) % 2).astype(np.int8)}
    lines = remarks(Block(entries, 20 * np.arange(201), {"constituents": constituents}))
    assert ["is phi in radians" in line for line in lines] == [True] * said


def test_real_jets_are_plausible(real_data):
    with np.load(real_data / "top_landscape_test_first1000.npz") as found:
        constituents, counts = found["constituents"], found["counts"]
    block = Block({"event": np.arange(len(counts))}, counts_to_offsets(counts), {"constituents": constituents})
    assert remarks(block) == []
    assert "unit: MeV" in remarks(scaled(block, 1000))[0]
    assert "unit: GeV" in remarks(scaled(block, 1e-3), "MeV")[0]


def test_the_log_names_a_file_in_mev_even_if_its_jets_are_outside_of_the_window(tmp_path):
    path = write_npz(tmp_path / "mev.npz", scaled(hadrons(20.0), 1000))
    lines = []
    source = {"files": {"test": str(path)}, "format": "npz"}
    write_samples(tmp_path / "s.h5", JetDataset(kind="jets", source=source), [], log=lines.append)
    assert [line for line in lines if str(path) in line and "`unit: MeV`" in line]
    lines.clear()
    with pytest.raises(UserError):
        write_samples(
            tmp_path / "s.h5",
            JetDataset(kind="jets", source=source | {"select": {"pt": [10, 100]}}),
            [],
            log=lines.append,
        )
    assert [line for line in lines if "`unit: MeV`" in line]


def write_own(path, block):
    with Writer.create(path, "jets", spec={}, units={}) as writer:
        writer.append("test", block)
    return path


def validate(folder, block, capsys):
    outputs = [f"--{name}={folder / name}" for name in ("report", "table")] + [f"--figure={folder / 'f.svg'}"]
    code = main(["validate-jets", str(write_own(folder / "s.h5", block)), "--dataset", "a", *outputs])
    return code, capsys.readouterr().err


def test_the_validation_tells_the_unit(tmp_path, capsys):
    code, log = validate(tmp_path, scaled(hadrons(600.0), 1e-3), capsys)
    (line,) = json.loads((tmp_path / "report").read_text())["remarks"]
    assert code == 0
    assert line.startswith("test: the median pT is 0.")
    assert line in log
    assert "implausibly small" in (tmp_path / "table").read_text()


@pytest.mark.parametrize(
    ("row", "value", "words"),
    [
        (slice(None), (-1.0, 0.5, 0.5, 0.0), "event 0, constituent 0: E is -1 GeV"),
        (2, (np.nan, 1.0, 1.0, 0.0), "entry 0: constituents is nan"),
        (2, (np.inf, 1.0, 1.0, 0.0), "entry 0: constituents is inf"),
        (2, (1e30, 1.0, 1.0, 0.0), "E is 1e+30 GeV (1 such constituents)"),
        (slice(None), (5.0, 0.0, 0.0, 5.0), "the jet's pT is 0 (4 such jets)"),
    ],
)
def test_a_sample_of_nonsense_is_not_validated(tmp_path, capsys, row, value, words):
    block = make_block(random_jets(1, 4))
    block.flat["constituents"][row] = value
    code, log = validate(tmp_path, block, capsys)
    assert code == 1
    assert f"{tmp_path / 's.h5'}: split 'test': e" in log
    assert words in log
    assert not (tmp_path / "report").exists()


def test_a_constituent_along_the_beam_is_refused():
    block = make_block([[(10.0, 0.1, 0.2), (5.0, 0.3, 0.1)]])
    block.flat["constituents"][1] = (5.0, 0.0, 0.0, 5.0)
    with pytest.raises(UserError) as error:
        check_jets(block, "a.npz")
    assert_one_line(error, "a.npz: event 0, constituent 1: pT is 0")
