"""The compiled kernel of jet images; its conventions are written in ``jets/images.py``.

A jet passes through short loops over three scratch arrays that stay in the processor's first-level cache. The loops
with most of the arithmetic have no branch and call no library function, so that the compiler turns them into vector
instructions. All arithmetic is + - * / and sqrt, which IEEE 754 rounds in one way only, in a fixed order: the same
jets give the same bits for any number of threads, width of vectors, and mathematical library.
"""

import math

import numba
import numpy as np
from numba.extending import intrinsic

from jetpulse.compiling import compiled

TIE = 1e-4  # pixel widths; a million times the error of an angle here
RESOLVED = 1e-5  # in eta and phi; above the rounding of float32 momenta, below the distance of any two real directions
_LOG_2 = math.log(2.0)
_WORD = 64  # bits of one word of the map of touched pixels
# NumPy's error model: dividing by zero gives inf or NaN, without the test that would keep a loop from being vectorised.
_compiled = compiled(nogil=True, error_model="numpy")


@_compiled
def pixelate(constituents, offsets, first, last, options, counts, pixel, value):
    """Fill ``counts`` and, from the first jet's offset on without gaps, ``pixel`` and ``value``; return how many."""
    pixels, half_width, centre, rotate, flip_eta, flip_phi, normalise = options
    longest = 0
    for jet in range(first, last):
        longest = max(longest, offsets[jet + 1] - offsets[jet])
    a, b, c = np.empty(longest), np.empty(longest), np.empty(longest)
    cell = np.empty(longest, np.int32)
    image = np.zeros(pixels * pixels)
    touched = np.zeros(pixels * pixels // _WORD + 1, np.uint64)
    end = offsets[first]
    for jet in range(first, last):
        n = _gather(constituents, offsets[jet], offsets[jet + 1], a, b, c)
        if n == 0:
            continue
        hardest = _hardest(n, a, b)
        axis = _relative_axis(n, hardest, a, b, c) if centre == 0 else (0.0, 0.0)
        _to_relative_coordinates(n, hardest, a, b, c)
        pt, eta, phi = a, b, c
        if centre != 1:
            _shift(n, eta, phi, _centroid(n, pt, eta, phi) if centre == 2 else axis)
        if rotate == 1:
            second = _second_hardest(n, hardest, pt, eta, phi)
            if second >= 0:
                _turn(n, eta, phi, _direction(eta[second], phi[second]))
                phi[second] = 0.0  # exactly: its last bit must not decide a flip
        elif rotate == 2 and n > 1:
            _turn(n, eta, phi, _principal_direction(n, pt, eta, phi))
            if _balance(n, pt, eta) < 0.0:  # the harder end points upwards
                _turn(n, eta, phi, (-1.0, 0.0))
        if flip_eta and _balance(n, pt, eta) < 0.0:
            _negate(n, eta)
        if flip_phi and _balance(n, pt, phi) < 0.0:
            _negate(n, phi)
        _locate(n, eta, phi, pixels, half_width, cell)
        _accumulate(n, pt, cell, image, touched)
        counts[jet] = _emit(image, touched, normalise, end, a, pixel, value)
        end += counts[jet]
    return end - offsets[first]


@_compiled
def _gather(constituents, start, stop, px, py, pz):
    """Copy the momenta of a jet without its padding; return how many there are."""
    n = 0
    for i in range(start, stop):
        x, y, z = np.float64(constituents[i, 1]), np.float64(constituents[i, 2]), np.float64(constituents[i, 3])
        px[n], py[n], pz[n] = x, y, z
        n += x * x + y * y > 0.0  # padding is overwritten by what follows it
    return n


@_compiled
def _hardest(n, px, py):
    """Return the position of the hardest constituent."""
    hardest, highest = 0, 0.0
    for k in range(n):
        pt2 = px[k] * px[k] + py[k] * py[k]
        # Few pass the first test; the roots decide, because equal pT may have unequal squares.
        if pt2 > highest and math.sqrt(pt2) > math.sqrt(highest):
            hardest, highest = k, pt2
    return hardest


@_compiled
def _second_hardest(n, hardest, pt, eta, phi):
    """Return the position of the hardest other constituent whose direction from the origin is resolved, or -1."""
    second, highest = -1, 0.0
    for k in range(n):
        if pt[k] > highest and k != hardest and eta[k] * eta[k] + phi[k] * phi[k] >= RESOLVED * RESOLVED:
            second, highest = k, pt[k]
    return second


@_compiled
def _to_relative_coordinates(n, hardest, a, b, c):
    """Turn px, py, pz in place into pT and the pseudorapidity and azimuth relative to the hardest constituent.

    In place because the compiler has to make sure that arrays do not overlap, which it gives up for more than a few.
    """
    hard_x, hard_y = a[hardest], b[hardest]
    hard_pt = math.sqrt(hard_x * hard_x + hard_y * hard_y)
    for k in range(n):
        px, py, pz = a[k], b[k], c[k]
        pt2 = px * px + py * py
        pt = math.sqrt(pt2)
        a[k] = pt
        b[k] = _pseudorapidity(pt, pz, math.sqrt(pt2 + pz * pz))
        c[k] = _azimuth(hard_x * px + hard_y * py, hard_x * py - hard_y * px, hard_pt * pt)
    eta0 = b[hardest]
    for k in range(n):
        b[k] -= eta0


@_compiled
def _pseudorapidity(pt, pz, p):
    """Return asinh(pz / pT) as ±log((|pz| + p) / pT), which loses no digits to a difference."""
    eta = _log((abs(pz) + p) / pt)
    return eta if pz >= 0.0 else -eta


@_compiled
def _log(x):
    """Return the logarithm of a positive normal number to 1e-10.

    x = 2**power * m with m in [sqrt(1/2), sqrt(2)), and log m = 2 atanh(s) with s = (m - 1) / (m + 1), |s| < 0.172.
    """
    bits = np.float64(x).view(np.int64)
    power = (bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)  # the bits of sqrt(1/2)
    m = np.int64(bits - (power << np.int64(52))).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    # The first term left out is below 2 * 0.172**13 / 13 = 2e-11.
    series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q / 11))))
    return power * _LOG_2 + 2.0 * s * series


@_compiled
def _azimuth(x, y, r):
    """Return atan2(y, x) to 1e-10, of a vector of length r > 0.

    phi = 8 atan(tan(phi / 8)), where tan(phi / 2) = y / (r + x), tan(a / 2) = t / (1 + sqrt(1 + t**2)) for t = tan(a).
    A vector with x < 0 is mirrored first, since r + x would lose its digits.
    """
    t = y / (r + abs(x))
    t = t / (1.0 + math.sqrt(1.0 + t * t))
    t = t / (1.0 + math.sqrt(1.0 + t * t))
    q = t * t
    # |t| <= tan(pi / 16) = 0.199: the first term left out is below 8 * 0.199**15 / 15 = 2e-11.
    series = 1.0 - q * (1 / 3 - q * (1 / 5 - q * (1 / 7 - q * (1 / 9 - q * (1 / 11 - q / 13)))))
    phi = 8.0 * t * series
    return phi if x >= 0.0 else (math.pi if y >= 0.0 else -math.pi) - phi


@_compiled
def _relative_axis(n, hardest, px, py, pz):
    """Return pseudorapidity and azimuth of the jet's momentum relative to its hardest constituent's."""
    x, y, z = 0.0, 0.0, 0.0
    for k in range(n):
        x += px[k]
        y += py[k]
        z += pz[k]
    hx, hy, hz = px[hardest], py[hardest], pz[hardest]
    pt2, hard_pt2 = x * x + y * y, hx * hx + hy * hy
    pt, hard_pt = math.sqrt(pt2), math.sqrt(hard_pt2)
    eta = _pseudorapidity(pt, z, math.sqrt(pt2 + z * z))
    hard_eta = _pseudorapidity(hard_pt, hz, math.sqrt(hard_pt2 + hz * hz))
    return eta - hard_eta, _azimuth(hx * x + hy * y, hx * y - hy * x, hard_pt * pt)


@_compiled
def _centroid(n, pt, eta, phi):
    """Return the pT-weighted mean of the coordinates."""
    total, eta0, phi0 = 0.0, 0.0, 0.0
    for k in range(n):
        total += pt[k]
        eta0 += pt[k] * eta[k]
        phi0 += pt[k] * phi[k]
    return eta0 / total, phi0 / total


@_compiled
def _shift(n, eta, phi, origin):
    for k in range(n):
        eta[k] -= origin[0]
        phi[k] -= origin[1]


@_compiled
def _direction(x, y):
    """Return the cosine and sine of a vector's angle; no rotation for a vector without length."""
    r = math.sqrt(x * x + y * y)
    return (x / r, y / r) if r > 0.0 else (1.0, 0.0)


@_compiled
def _principal_direction(n, pt, eta, phi):
    """Return a direction, one of the two opposite ones, along which pT spreads most."""
    xx, yy, xy = 0.0, 0.0, 0.0
    for k in range(n):
        xx += pt[k] * eta[k] * eta[k]
        yy += pt[k] * phi[k] * phi[k]
        xy += pt[k] * eta[k] * phi[k]
    # Its angle a is half that of (xx - yy, 2 xy); (1 + cos 2a, sin 2a) and (sin 2a, 1 - cos 2a) both point along a.
    cos2a, sin2a = _direction(xx - yy, 2.0 * xy)
    return _direction(1.0 + cos2a, sin2a) if cos2a >= 0.0 else _direction(sin2a, 1.0 - cos2a)


@_compiled
def _turn(n, eta, phi, direction):
    """Rotate (determinant +1) so that the direction becomes the first axis."""
    c, s = direction
    for k in range(n):
        eta[k], phi[k] = c * eta[k] + s * phi[k], c * phi[k] - s * eta[k]


@_compiled
def _balance(n, pt, x):
    """Return the pT at positive minus that at negative coordinates."""
    balance = 0.0
    for k in range(n):
        balance += pt[k] if x[k] > 0.0 else (-pt[k] if x[k] < 0.0 else 0.0)
    return balance


@_compiled
def _negate(n, x):
    for k in range(n):
        x[k] = -x[k]


@_compiled
def _locate(n, eta, phi, pixels, half_width, cell):
    """Fill the pixel of every constituent; -1 outside the image."""
    scale, shift = pixels / (2.0 * half_width), 0.5 * pixels + TIE
    for k in range(n):
        row, column = eta[k] * scale + shift, phi[k] * scale + shift
        inside = (row >= 0.0) & (row < pixels) & (column >= 0.0) & (column < pixels)
        cell[k] = np.int32(row) * np.int32(pixels) + np.int32(column) if inside else -1


@_compiled
def _accumulate(n, pt, cell, image, touched):
    """Add pT to the pixels and mark them in a map of one bit per pixel."""
    for k in range(n):
        if cell[k] >= 0:
            image[cell[k]] += pt[k]
            touched[cell[k] // _WORD] |= np.uint64(1) << np.uint64(cell[k] % _WORD)


@_compiled
def _emit(image, touched, normalise, start, scratch, pixel, value):
    """Move the touched pixels in ascending order to ``pixel`` and ``value``, leaving zeros; return their number."""
    filled, highest, total = 0, 0.0, 0.0
    for word in range(len(touched)):
        while touched[word]:
            index = word * _WORD + _lowest_bit(touched[word])
            touched[word] &= touched[word] - np.uint64(1)
            content = image[index]
            image[index] = 0.0
            pixel[start + filled], scratch[filled] = index, content
            highest, total = max(highest, content), total + content
            filled += 1
    norm = highest if normalise == 1 else (total if normalise == 2 else 1.0)
    for k in range(filled):
        value[start + k] = scratch[k] / norm
    return filled


@intrinsic
def _lowest_bit(_, word):
    """Return the position of the lowest set bit of a word that is not zero: one processor instruction."""

    def generate(context, builder, _, arguments):
        undefined_for_zero = context.get_constant(numba.types.boolean, True)
        return builder.cttz(arguments[0], undefined_for_zero)

    return numba.types.int64(numba.types.uint64), generate
