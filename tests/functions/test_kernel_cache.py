"""numba's cache may be full, damaged, mixed up or not there at all: kernels compute the same."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from jetpulse import compiling
from jetpulse.compiling import compiled

PACKAGE = Path(compiling.__file__).parent
SOURCES = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
WITH_KERNELS = [path for path, text in SOURCES.items() if "import compiled\n" in text]


def sum_of_squares(x):
    total = x[0] * 0
    for value in x:
        total += value * value
    return total


VALUES = {"float64": np.arange(5.0), "int64": np.arange(5)}


def result(kind: str = "float64") -> tuple[object, int]:
    """Compile anew, or read from the cache; return the sum and the number of hits of the cache."""
    kernel = compiled(nogil=True)(sum_of_squares)
    found = kernel(VALUES[kind])
    assert found == 30
    assert type(found) is (float if kind == "float64" else int)
    return found, sum(kernel.stats.cache_hits.values())


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiling, "_reported", set())
    return tmp_path


def files(cache: Path, ending: str) -> list[Path]:
    return sorted(cache.rglob(f"*.{ending}"))


def test_every_kernel_has_the_cache_that_may_fail():
    assert len(WITH_KERNELS) > 4
    assert [path.name for path, text in SOURCES.items() if "njit" in text] == ["compiling.py"]


def test_a_kernel_is_compiled_once(cache):
    assert result() == (30, 0)
    assert result() == (30, 1)
    assert len(files(cache, "nbi")) == len(files(cache, "nbc")) == 1


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "half", "last", 20, 80])
def test_a_damaged_file_of_the_cache_is_written_anew(cache, capfd, ending, damage):
    result()
    (file,) = files(cache, ending)
    content = bytearray(file.read_bytes())
    if isinstance(damage, int):
        content[len(content) * damage // 100] ^= 0x55
    cut = {"empty": b"", "half": content[: len(content) // 2], "last": content[:-1]}
    file.write_bytes(cut.get(damage, content))
    result()
    assert result() == (30, 1)
    assert capfd.readouterr().err == ""


def test_a_file_of_the_cache_that_is_gone_or_a_folder_is_as_good_as_none(cache):
    result()
    files(cache, "nbc")[0].unlink()
    result()
    assert result() == (30, 1)
    index = files(cache, "nbi")[0]
    index.unlink()
    index.mkdir()
    result()


def test_machine_code_of_another_kernel_or_of_older_source_is_not_taken(cache):
    for kind in VALUES:
        result(kind)
    one, two = files(cache, "nbc")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    for kind in VALUES:
        assert result(kind) == (30, 0)
        assert result(kind) == (30, 1)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_full_cache_costs_time_and_one_line(cache, capfd, monkeypatch, number):
    def full(*paths: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(caching.os, "replace", full)
    for _ in range(2):
        for kind in VALUES:
            assert result(kind) == (30, 0)
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert os.strerror(number) in err
    assert "NUMBA_CACHE_DIR" in err
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_damaged_index_on_a_full_disk_costs_time_and_two_lines(cache, capfd, monkeypatch):
    result()
    files(cache, "nbi")[0].write_bytes(b"\x80\x05half")

    def full(*paths: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(caching.os, "replace", full)
    assert result() == (30, 0)
    assert result() == (30, 0)
    assert capfd.readouterr().err.count("\n") == 2


def test_without_a_folder_for_a_cache_every_module_of_kernels_is_imported_with_one_line():
    names = [path.relative_to(PACKAGE.parent).with_suffix("").parts for path in WITH_KERNELS]
    code = "; ".join(f"import {'.'.join(parts)}" for parts in names) + "; print('fine')"
    environment = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": "/dev/null/none"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "fine\n", done.stderr
    assert done.stderr.count("\n") == 1
    assert "NUMBA_CACHE_DIR" in done.stderr


def test_plain_python_in_place_of_kernels_still_works():
    code = "from jetpulse.compiling import compiled; print(compiled()(lambda x: 2 * x)(3))"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("6\n", "")
