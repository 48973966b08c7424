"""A picture of one digit, drawn or photographed, brought into the form of the digits that networks learn from.

MNIST's digits were scaled into a box of 20 x 20 pixels, their proportions kept, and moved so that their centre of mass
lies in the middle of 28 x 28 (LeCun et al., doi:10.1109/5.726791). The 8 x 8 digits of scikit-learn, sums over blocks
of 4 x 4 pixels, fill their pixels from top to bottom (Alpaydin, Kaynak, doi:10.24432/C50P49).
"""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from jetpulse.errors import UserError, cannot_open, first_line
from jetpulse.open_files import too_many_open

# A photo of a good camera has 50 million pixels; a small file can claim thousands of times as many.
MOST_PIXELS = 50_000_000
# The least difference of a digit from its background, of the way from black to white.
_LEAST_CONTRAST = 0.1
# What is fainter than this part of the darkest stroke does not say how large a digit is.
_FAINT = 0.05


def read_picture(path: Path) -> np.ndarray:
    """Return a PNG file's greys, float32 (rows, columns) from 0 (black) to 1; what is transparent is background.

    Raises:
        UserError: missing, not a PNG file, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG",)) as image:
                columns, rows = image.size
                if columns * rows > MOST_PIXELS:
                    raise _too_large(path, f"{columns} x {rows} pixels")
                return _greys(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, first_line(error)) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise cannot_open(path, error, "a PNG file") from error
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error) as error:
        words = too_many_open(error) or f"cannot be read as PNG ({first_line(error)}); save the picture as PNG"
        raise UserError(f"{path}: {words}") from error


def _too_large(path: Path, found: str) -> UserError:
    return UserError(f"{path}: too large a picture ({found}), at most {MOST_PIXELS} pixels; make it smaller")


def _greys(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):  # 16 bits
        return np.asarray(image, np.float32) / 65535
    if not image.has_transparency_data:
        return np.asarray(image.convert("L"), np.float32) / 255
    grey, alpha = np.moveaxis(np.asarray(image.convert("RGBA").convert("LA"), np.float32) / 255, 2, 0)
    # Strokes on nothing are as visible as can be: dark ones on white, light ones on black.
    drawn = grey[alpha > 0.5]
    background = 0.0 if drawn.size and drawn.mean() > 0.5 else 1.0
    return alpha * grey + (1 - alpha) * background


def box_of(shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[float, float]]:
    """Return the box (rows, columns) that digits of a shape are scaled into, and where their centre of mass lies."""
    if shape == (8, 8):
        return (8, 8), (3.5, 3.5)
    rows, columns = (max(1, round(20 / 28 * n)) for n in shape)
    return (rows, columns), (shape[0] / 2, shape[1] / 2)


def strokes_of(grey: np.ndarray, where: str) -> np.ndarray:
    """Return how much of a stroke every pixel is, float64 (rows, columns) from 0 (background) to 1.

    The background is the median grey of the picture's edge, the strokes are whatever differs most from it, darker or
    lighter.

    Raises:
        UserError: there are no strokes.
    """
    if not grey.size:
        raise UserError(f"{where}: the picture has no pixels")
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    background = np.median(edge)
    difference = grey.astype(np.float64) - background
    strokes = difference if difference.max() >= -difference.min() else -difference
    contrast = strokes.max()
    if contrast < _LEAST_CONTRAST:
        raise UserError(f"{where}: the picture is blank; draw one digit, dark on light or light on dark")
    noise = 4 * 1.4826 * np.median(np.abs(edge - background))  # four standard deviations of a paper's texture
    return np.where(strokes > min(noise, 0.5 * contrast), strokes, 0) / contrast


def as_digit(grey: np.ndarray, shape: tuple[int, int], where: str) -> np.ndarray:
    """Return a picture of one digit as a network reads it.

    Args:
        grey: (rows, columns), from 0 to 1; light strokes on dark or dark ones on light.
        shape: rows and columns of what the network reads.
        where: begins the error's line.

    Returns:
        Strokes bright, 1 at most, on a background of 0; float32 of ``shape``.

    Raises:
        UserError: a blank picture.
    """
    strokes = strokes_of(grey, where)
    rows, columns = (np.flatnonzero((strokes > _FAINT).any(axis)) for axis in (1, 0))
    strokes = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box, centre = box_of(shape)
    digit = _scaled(strokes, min(box[0] / strokes.shape[0], box[1] / strokes.shape[1]))
    placed = np.zeros(shape, np.float32)
    mass = digit.sum()
    corner = []
    for axis, size in enumerate(digit.shape):
        middle = digit.sum(1 - axis) @ np.arange(size) / mass
        corner.append(int(np.clip(round(centre[axis] - middle), 0, shape[axis] - size)))
    placed[corner[0] : corner[0] + digit.shape[0], corner[1] : corner[1] + digit.shape[1]] = digit / digit.max()
    return placed


def _scaled(strokes: np.ndarray, factor: float) -> np.ndarray:
    """Return strokes (rows, columns), scaled: means over what a pixel covers, or between pixels where there are few."""
    rows, columns = (max(1, round(factor * n)) for n in strokes.shape)
    method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(strokes.astype(np.float32)).resize((columns, rows), method), np.float64)
