"""Pictures of digits: cropped, scaled and centred as the digits that networks are trained on."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from jetpulse.errors import UserError
from jetpulse.problems import pictures
from jetpulse.problems.pictures import as_digit, box_of, read_picture, strokes_of
from toy_jets import assert_one_line

DIGITS = load_digits().images / 16
SHAPES = [(28, 28), (8, 8), (20, 32)]


def drawn(size: tuple[int, int] = (200, 150), *, ink: int = 0, paper: int = 255, shift: int = 0) -> np.ndarray:
    """Return a seven of thick strokes as greys from 0 to 1, (rows, columns)."""
    image = Image.new("L", (size[1], size[0]), paper)
    corners = [(30 + shift, 40), (90 + shift, 40), (50 + shift, 140)]
    ImageDraw.Draw(image).line(corners, fill=ink, width=9, joint="curve")
    return np.asarray(image, np.float32) / 255


def save(path: Path, grey: np.ndarray) -> Path:
    Image.fromarray(np.uint8(np.round(grey * 255))).save(path)
    return path


def centre_of_mass(digit: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(digit.shape)
    return float((rows * digit).sum() / digit.sum()), float((columns * digit).sum() / digit.sum())


def extent(digit: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero(digit > 0.02)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_a_digit_is_scaled_into_twenty_pixels_and_centred_by_its_mass():
    digit = as_digit(drawn(), (28, 28), "a.png")
    assert digit.dtype == np.float32
    assert digit.shape == (28, 28)
    assert (digit.min(), digit.max()) == (0, 1)
    # The strokes are 109 pixels high and 69 wide: the height decides, the proportion is kept.
    height, width = extent(digit)
    assert height == 20
    assert width == pytest.approx(20 * 69 / 109, abs=1.1)
    assert centre_of_mass(digit) == pytest.approx((14, 14), abs=0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_dark_on_light_and_light_on_dark_are_the_same_digit(shape):
    expected = as_digit(drawn(), shape, "a")
    np.testing.assert_allclose(as_digit(drawn(ink=255, paper=0), shape, "a"), expected, atol=1e-6)
    faded = as_digit(drawn(ink=90, paper=200), shape, "a")
    np.testing.assert_allclose(faded, expected, atol=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_where_a_digit_stands_and_how_large_its_paper_is_do_not_matter(shape):
    expected = as_digit(drawn(), shape, "a")
    np.testing.assert_array_equal(as_digit(drawn(shift=20), shape, "a"), expected)
    np.testing.assert_array_equal(as_digit(drawn((300, 400), shift=210), shape, "a"), expected)


def test_a_larger_picture_gives_nearly_the_same_digit():
    large = np.kron(drawn(), np.ones((4, 4), np.float32))
    found, expected = as_digit(large, (28, 28), "a"), as_digit(drawn(), (28, 28), "a")
    # Where the centre of mass lies between two pixels, either is right.
    moved = [np.roll(found, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    assert min(np.abs(one - expected).max() for one in moved) < 0.1


def test_a_wide_stroke_is_as_wide_as_the_box_and_as_flat_as_it_was():
    grey = np.ones((50, 200), np.float32)
    grey[20:28, 10:190] = 0
    height, width = extent(as_digit(grey, (28, 28), "a"))
    assert (height, width) == (1, 20)


def test_texture_of_the_paper_is_no_stroke():
    rng = np.random.default_rng(1)
    noisy = drawn(ink=40, paper=220) + 0.01 * rng.standard_normal((200, 150)).astype(np.float32)
    found, expected = as_digit(noisy, (28, 28), "a"), as_digit(drawn(ink=40, paper=220), (28, 28), "a")
    assert np.abs(found - expected).max() < 0.1


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.sampled_from(SHAPES))
@settings(max_examples=60)
def test_any_picture_becomes_a_digit_or_one_line(rows, columns, seed, shape):
    grey = np.random.default_rng(seed).integers(0, 3, (rows, columns)).astype(np.float32) / 2
    kept = grey.copy()
    try:
        digit = as_digit(grey, shape, "a.png")
    except UserError as error:
        assert "blank" in str(error)
    else:
        assert digit.shape == shape
        assert digit.max() == 1
        assert digit.min() >= 0
        assert all(found <= most for found, most in zip(extent(digit), box_of(shape)[0], strict=True))
    np.testing.assert_array_equal(grey, kept)


def test_boxes_have_mnists_proportion_or_are_those_of_scikit_learns_digits():
    assert box_of((28, 28)) == ((20, 20), (14, 14))
    assert box_of((14, 56)) == ((10, 40), (7, 28))
    assert box_of((1, 1)) == ((1, 1), (0.5, 0.5))
    assert box_of((8, 8)) == ((8, 8), (3.5, 3.5))


@pytest.mark.parametrize("enlarged", [1, 20])
@pytest.mark.parametrize("inverted", [True, False])
def test_scikit_learns_digits_come_back(tmp_path, enlarged, inverted):
    right = 0
    for digit in DIGITS[:100]:
        grey = np.kron(1 - digit if inverted else digit, np.ones((enlarged, enlarged)))
        found = as_digit(read_picture(save(tmp_path / "d.png", grey)), (8, 8), "d.png")
        columns = [np.roll(found, shift, axis=1) for shift in (-1, 0, 1)]
        assert min(np.abs(moved - digit).max() for moved in columns) < 0.1
        right += np.abs(found - digit).max() < 0.1
    # The others stand one pixel beside where their centre of mass would be in the middle.
    assert right > 80


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_blank_picture_is_refused(value):
    for shape in ((1, 1), (2, 3), (30, 30)):
        with pytest.raises(UserError) as error:
            strokes_of(np.full(shape, value, np.float32), "a.png")
        assert_one_line(error, "a.png", "blank", "draw one digit")
    with pytest.raises(UserError) as error:
        strokes_of(np.zeros((0, 3), np.float32), "a.png")
    assert_one_line(error, "a.png", "no pixels")


def test_every_kind_of_png_is_read(tmp_path):
    grey = drawn()
    image = Image.fromarray(np.uint8(np.round(grey * 255)))
    alpha = Image.fromarray(255 - np.uint8(np.round(grey * 255)))
    black, white = (Image.merge("LA", (Image.new("L", alpha.size, v), alpha)) for v in (0, 255))
    kinds = {
        "L": image,
        "RGB": image.convert("RGB"),
        "P": image.convert("P"),
        "1": image.convert("1"),
        "16": Image.fromarray(np.asarray(image, np.uint16) * 257),
        "black on nothing": black.convert("RGBA"),
        "white on nothing": white,
    }
    for name, kind in kinds.items():
        kind.save(tmp_path / "k.png")
        found = read_picture(tmp_path / "k.png")
        assert found.shape == grey.shape, name
        assert found.dtype == np.float32
        assert 0 <= found.min() <= found.max() <= 1
        np.testing.assert_allclose(as_digit(found, (28, 28), name), as_digit(grey, (28, 28), name), atol=0.05)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(columns: int, rows: int) -> bytes:
    """Return a PNG file that says to have so many pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8000, 7000), (10_000, 10_000), (60_000, 60_000)])
def test_a_picture_that_is_too_large_is_refused_without_reading_it(tmp_path, size):
    (tmp_path / "a.png").write_bytes(claiming(*size))
    with pytest.raises(UserError) as error:
        read_picture(tmp_path / "a.png")
    assert_one_line(error, tmp_path / "a.png", "too large a picture", str(pictures.MOST_PIXELS))


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", claiming(10, 10), b"GIF89a" + bytes(20)]
)
def test_what_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_picture(tmp_path / "a.png")
    assert_one_line(error, tmp_path / "a.png", "PNG")


def test_a_picture_that_is_cut_or_damaged_is_refused(tmp_path):
    rng = np.random.default_rng(1)
    whole = save(tmp_path / "a.png", rng.random((60, 60))).read_bytes()
    for cut in (20, 40, len(whole) // 2):
        (tmp_path / "b.png").write_bytes(whole[:cut])
        with pytest.raises(UserError) as error:
            read_picture(tmp_path / "b.png")
        assert_one_line(error, tmp_path / "b.png", "PNG")
    for place in range(8, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "b.png").write_bytes(damaged)
        try:
            assert read_picture(tmp_path / "b.png").ndim == 2
        except UserError as error:
            assert "\n" not in str(error)


def test_another_format_under_the_name_of_a_png_is_refused(tmp_path):
    Image.new("L", (9, 9)).save(tmp_path / "a.png", format="BMP")
    for path, words in ((tmp_path / "a.png", "PNG"), (tmp_path / "none.png", "no such file"), (tmp_path, "folder")):
        with pytest.raises(UserError) as error:
            read_picture(path)
        assert_one_line(error, path, words)
