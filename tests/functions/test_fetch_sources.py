"""The table of remote files, and what a dataset's `download` stands for."""

import csv
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config import parse_config
from jetpulse.errors import UserError
from jetpulse.fetch.datasets import resolve_downloads
from jetpulse.fetch.sources import COLUMNS, human_size, is_safe_member, read_sources
from jetpulse.resources import resource
from toy_jets import assert_one_line

TABLE = resource("sources.csv")
GOOD = {
    "name": "toy",
    "file": "a.bin",
    "url": "https://example.org/a.bin",
    "bytes": "12",
    "checksum": "md5:" + "0" * 32,
    "licence": "CC0-1.0",
}


def write(path: Path, *rows: dict[str, str], columns=COLUMNS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def refused(path: Path, *words: str) -> None:
    with pytest.raises(UserError) as error:
        read_sources(path)
    assert_one_line(error, path.name, *words)


def test_a_row_is_read(tmp_path):
    (source,) = read_sources(write(tmp_path / "t.csv", GOOD)).values()
    assert (source.key, source.download, source.bytes, source.exact) == ("toy/a.bin", "toy/a.bin", 12, True)
    assert source.about == "12 B, CC0-1.0, https://example.org/a.bin"


def test_a_row_of_an_archive_with_a_rough_size(tmp_path):
    row = GOOD | {"url": "https://example.org/x/all.tar.gz?download=1", "member": "in/a.bin", "bytes": "~7600000000"}
    (source,) = read_sources(write(tmp_path / "t.csv", row)).values()
    assert (source.download, source.bytes, source.exact) == ("toy/all.tar.gz", 7_600_000_000, False)
    assert source.about.startswith("about 7.6 GB, from all.tar.gz, ")


def test_a_row_without_size_and_checksum(tmp_path):
    (source,) = read_sources(write(tmp_path / "t.csv", GOOD | {"bytes": "", "checksum": ""})).values()
    assert source.bytes is None
    assert source.about.startswith("size not published")


def test_a_table_saved_by_a_spreadsheet(tmp_path):
    path = write(tmp_path / "t.csv", GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_sources(path)) == ["toy/a.bin"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", ""),
        ("name", "Toy"),
        ("name", "../toy"),
        ("file", ""),
        ("file", "../a.bin"),
        ("file", "/etc/passwd"),
        ("file", "in/a.bin"),
        ("file", "in\\a.bin"),
        ("file", ".."),
        ("file", ".hidden"),
        ("file", "a b"),
        ("split", "training"),
        ("url", ""),
        ("url", "http://example.org/a.bin"),
        ("url", "ftp://example.org/a.bin"),
        ("url", "file:///etc/passwd"),
        ("url", "https:///a.bin"),
        ("url", "https://[oops/a.bin"),
        ("url", "https://me:secret@example.org/a.bin"),
        ("url", "https://example.org/a b"),
        ("mirror", "http://example.org/a.bin"),
        ("bytes", "12 MB"),
        ("bytes", "-1"),
        ("bytes", "0"),
        ("bytes", "1e3"),
        ("checksum", "0" * 64),
        ("checksum", "sha256:" + "0" * 63),
        ("checksum", "sha256:" + "G" * 64),
        ("checksum", "sha1:" + "0" * 40),
    ],
)
def test_cells_that_cannot_be_used(tmp_path, column, value):
    path = write(tmp_path / "t.csv", GOOD | {"file": "first.bin"}, GOOD | {column: value})
    refused(path, f"line 3: {column} is {value!r}, expected")


@pytest.mark.parametrize("member", ["../b", "/etc/b", "in/../b", "in\\b", "C:\\b", "in//b"])
def test_members_that_lead_outside(tmp_path, member):
    row = GOOD | {"url": "https://example.org/all.zip", "member": member}
    refused(write(tmp_path / "t.csv", row), "line 2: member is", "without `..`")


def test_a_member_of_what_is_no_archive(tmp_path):
    refused(write(tmp_path / "t.csv", GOOD | {"member": "b"}), "line 2: url is", "an archive (.tar, ")


def test_an_archive_whose_name_leads_outside(tmp_path):
    row = GOOD | {"url": "https://example.org/x%2F..%2Fall.zip", "member": "b"}
    refused(write(tmp_path / "t.csv", row), "line 2: url is", "plain file name")


def test_a_file_that_is_given_twice(tmp_path):
    refused(write(tmp_path / "t.csv", GOOD, GOOD), "line 3: toy/a.bin is given twice")


def test_a_file_with_the_name_of_an_archive(tmp_path):
    row = GOOD | {"url": "https://example.org/all.zip", "member": "b"}
    refused(write(tmp_path / "t.csv", row, GOOD | {"file": "all.zip"}), "toy/all.zip is both")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_missing(tmp_path, column):
    refused(write(tmp_path / "t.csv", GOOD, columns=[c for c in COLUMNS if c != column]), f"columns missing: {column};")


def test_a_column_that_is_unknown(tmp_path):
    refused(write(tmp_path / "t.csv", GOOD, columns=[*COLUMNS, "sha256"]), "unknown or given twice: 'sha256'")


@pytest.mark.parametrize("change", [-1, 1])
def test_a_row_with_too_many_or_too_few_cells(tmp_path, change):
    cells = ["x"] * (len(COLUMNS) + change)
    path = tmp_path / "t.csv"
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(cells) + "\n")
    refused(path, f"line 2: {len(COLUMNS) + change} columns, expected {len(COLUMNS)}")


def test_a_table_that_is_not_there(tmp_path):
    refused(tmp_path / "t.csv", "no such file")
    refused(tmp_path, "is a folder")


def test_a_table_that_is_empty(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"")
    refused(tmp_path / "t.csv", "columns missing: name, ")


def test_a_table_that_is_not_utf8(tmp_path):
    path = write(tmp_path / "t.csv", GOOD | {"citation": "M\u00fcller"})
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    refused(path, "is not UTF-8")


@pytest.mark.parametrize("body", [b'name,"file', b"\0\0\0\0", b'"a"b,c'])
def test_files_that_are_no_tables(tmp_path, body):
    (tmp_path / "t.csv").write_bytes(body)
    refused(tmp_path / "t.csv")


@given(body=st.binary(max_size=300))
def test_any_bytes_after_the_header_give_rows_or_one_line(tmp_path_factory, body):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(",".join(COLUMNS).encode() + b"\n" + body)
    try:
        assert all(source.url.startswith("https://") for source in read_sources(path).values())
    except UserError as error:
        assert "\n" not in str(error)


@given(member=st.text(alphabet="ab./\\:", max_size=12))
def test_a_safe_member_stays_inside(member):
    if is_safe_member(member):
        inside = (Path("/top") / member).resolve()
        assert inside.is_relative_to("/top")
        assert not member.startswith("/")


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_499, "999 kB"), (999_500, "1 MB"), (1_038_496_555, "1.04 GB")],
)
def test_sizes_for_people(n, text):
    assert human_size(n) == text


# --- the project's own table ------------------------------------------------------------------------------------------


def test_the_projects_table_is_complete():
    sources = read_sources(TABLE)
    names = {source.name for source in sources.values()}
    assert names >= {"top-landscape", "top-landscape-parquet", "circles", "spectra", "higgs", "mnist", "jetclass-val"}
    assert all(source.licence and source.citation for source in sources.values())
    splits = [source.split for source in sources.values() if source.name == "top-landscape"]
    assert splits == ["train", "val", "test"]


@pytest.mark.parametrize("name", ["circles/circles_data", "circles/circles_targets", "spectra/spectra_data"])
def test_the_projects_table_knows_the_real_files(real_data, name):
    source = read_sources(TABLE)[f"{name}.hf5"]
    body = (real_data / source.file).read_bytes()
    assert source.bytes == len(body)
    assert source.checksum == f"sha256:{hashlib.sha256(body).hexdigest()}"


# --- datasets ---------------------------------------------------------------------------------------------------------


def config(**datasets: dict) -> dict:
    return {"datasets": datasets, "representations": {}, "experiments": {}}


def resolve(value: dict, table: Path = TABLE) -> dict:
    analysis = parse_config(value, "c.yaml")
    resolved = resolve_downloads(analysis, read_sources(table), "c.yaml", table.name)
    assert parse_config(value, "c.yaml") == analysis  # what was given is left alone
    return {name: dataset.source for name, dataset in resolved.datasets.items()}


def jets(name: str, **further) -> dict:
    return {"kind": "jets", "source": {"download": name}} | further


def test_jets_with_splits_become_their_files():
    source = resolve(config(top=jets("top-landscape")))["top"]
    folder = "data/downloads/top-landscape"
    assert source.paths() == [f"{folder}/train.h5", f"{folder}/val.h5", f"{folder}/test.h5"]
    assert source.download is None
    assert source.format == "top-tagging"


def test_spectra_become_files_and_targets():
    source = resolve(config(s={"kind": "spectra", "source": {"download": "spectra"}}))["s"]
    assert source.files == ["data/downloads/spectra/spectra_data.hf5"]
    assert source.targets == ["data/downloads/spectra/spectra_targets.hf5"]


def problems(name: str, **source) -> dict:
    return {"kind": "problems", "source": {"download": name} | source}


def test_features_and_labels_become_files_beside_each_other():
    source = resolve(config(p=problems("circles")))["p"]
    assert source.files == ["data/downloads/circles/circles_data.hf5"]
    assert source.labels == ["data/downloads/circles/circles_targets.hf5"]


def test_digits_keep_their_own_splits():
    source = resolve(config(p=problems("mnist")))["p"]
    folder = "data/downloads/mnist"
    assert source.files.train == [f"{folder}/train-images-idx3-ubyte.gz"]
    assert source.labels.train == [f"{folder}/train-labels-idx1-ubyte.gz"]
    assert source.files.test == [f"{folder}/t10k-images-idx3-ubyte.gz"]
    assert source.labels.test == [f"{folder}/t10k-labels-idx1-ubyte.gz"]


def test_tables_without_names_get_them():
    found = resolve(config(h=problems("higgs", columns=["m_bb", "m_wwbb"]), c=problems("california-housing")))
    assert found["h"].files == ["data/downloads/higgs/HIGGS.csv.gz"]
    assert (found["h"].label, found["h"].target, found["h"].columns) == ("label", None, ["m_bb", "m_wwbb"])
    assert (len(found["h"].names), found["h"].names[0], found["h"].names[-1]) == (29, "label", "m_wwbb")
    assert found["c"].files == ["data/downloads/california-housing/cal_housing.csv"]
    assert (found["c"].target, len(found["c"].names)) == ("medianHouseValue", 9)


def test_the_archive_of_an_address_without_a_name_is_named_behind_it():
    source = read_sources(TABLE)["california-housing/cal_housing.csv"]
    assert source.download == "california-housing/cal_housing.tgz"


def test_everything_else_stays_as_it_was():
    value = config(
        top=jets("top-landscape", references="top-landscape"),
        made={"kind": "jets", "source": {"simulation": {"jets_per_class": 5}}},
    )
    analysis = parse_config(value, "c.yaml")
    resolved = resolve_downloads(analysis, read_sources(TABLE), "c.yaml", "sources.csv")
    assert resolved.datasets["made"] == analysis.datasets["made"]
    assert resolved.datasets["top"].references == "top-landscape"


def test_an_analysis_without_downloads_is_the_same():
    analysis = parse_config(config(made={"kind": "jets", "source": {"simulation": {"jets_per_class": 5}}}), "c.yaml")
    assert resolve_downloads(analysis, {}, "c.yaml", "sources.csv") is analysis


def unresolved(value: dict, *words: str, table: Path = TABLE) -> None:
    with pytest.raises(UserError) as error:
        resolve(value, table)
    assert_one_line(error, "c.yaml: datasets.", *words)


def test_a_download_that_is_not_in_the_table():
    unresolved(
        config(top=jets("top-landscap")),
        "datasets.top.source.download: 'top-landscap' is not in sources.csv; did you mean 'top-landscape'?",
        "there are: top-landscape, ",
    )


def test_downloads_that_do_not_suit():
    unresolved(config(top=jets("mnist")), "'mnist' holds no jets: its `format` in sources.csv is 'features', 'labels'")
    unresolved(config(top=jets("spectra")), "'spectra' holds no jets")
    unresolved(config(p=problems("spectra")), "'spectra' holds no small problem", "'counts', 'fluxes'")
    unresolved(config(p=problems("top-landscape")), "holds no small problem", "'top-tagging'", "'features'")
    unresolved(
        config(s={"kind": "spectra", "source": {"download": "top-landscape"}}), "holds no spectra", "top-tagging"
    )


def test_a_download_with_a_layout_that_nobody_reads(tmp_path):
    table = write(tmp_path / "t.csv", GOOD | {"format": "runes", "split": "test"})
    unresolved(config(top=jets("toy")), "source", "'runes'", table=table)


def test_a_format_that_is_not_the_downloads():
    value = config(top={"kind": "jets", "source": {"download": "top-landscape", "format": "parquet"}})
    unresolved(value, "'top-landscape' has format 'top-tagging', not 'parquet'; remove `format`")


def test_a_download_without_splits_is_dealt(tmp_path):
    table = write(tmp_path / "t.csv", *(GOOD | {"format": "parquet", "file": file} for file in ("a.bin", "b.bin")))
    source = resolve(config(top=jets("toy")), table)["top"]
    assert source.paths() == ["data/downloads/toy/a.bin", "data/downloads/toy/b.bin"]


def test_a_download_with_half_its_splits(tmp_path):
    rows = [GOOD | {"format": "top-tagging", "split": "test"}, GOOD | {"format": "top-tagging", "file": "b.bin"}]
    unresolved(config(top=jets("toy")), "only some files of 'toy' have a split", table=write(tmp_path / "t.csv", *rows))


def test_every_wrong_download_gets_its_line():
    with pytest.raises(UserError) as error:
        resolve(config(a=jets("mnist"), b=jets("higgs")))
    assert [line.split(":")[1].strip() for line in str(error.value).splitlines()] == [
        "datasets.a.source.download",
        "datasets.b.source.download",
    ]


def test_a_split_that_the_download_lacks_is_missed_before_anything_runs(tmp_path):
    table = write(tmp_path / "t.csv", GOOD | {"format": "top-tagging", "split": "test"})
    value = {
        "datasets": {"top": jets("toy")},
        "representations": {"images": {"kind": "jet-image"}},
        "experiments": {
            "cnn": {"dataset": "top", "representation": "images", "model": {"name": "jet-cnn"}, "seeds": [1]}
        },
    }
    with pytest.raises(UserError) as error:
        resolve(value, table)
    assert "experiments.cnn.dataset: 'top' has no train split" in str(error.value)


def test_a_source_is_one_thing_only():
    with pytest.raises(UserError) as error:
        parse_config(config(s={"kind": "spectra", "source": {"download": "spectra", "counts": {"n": 3}}}), "c.yaml")
    assert_one_line(error, "needs exactly one of counts, files, download")


def test_the_resolved_analysis_can_be_written_and_read_again():
    value = config(top=jets("top-landscape"))
    resolved = resolve_downloads(parse_config(value, "c"), read_sources(TABLE), "c", "t")
    assert parse_config(json.loads(resolved.model_dump_json()), "c") == resolved
