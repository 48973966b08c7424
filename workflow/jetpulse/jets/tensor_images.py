"""Jet images of batches of padded jets as torch tensors, on any device; conventions are those of ``jets/images.py``.

The arithmetic is that of ``jets/kernels.py``, operation by operation in float64, sums in the same order on a CPU: there
every pixel is the same bit by bit, save for the last bit of `normalise-sum`. On a GPU sums are taken in another order.
"""

import math
from collections.abc import Sequence

import torch

from jetpulse.jets.kernels import RESOLVED, TIE

_SQRT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
_Pair = tuple[torch.Tensor, torch.Tensor]


def dense_images(momenta: torch.Tensor, pixels: int, half_width: float, steps: Sequence[str]) -> torch.Tensor:
    """Return the dense images of a batch of jets.

    Args:
        momenta: (b, n, 4) E, px, py, pz in GeV; rows without transverse momentum are padding, wherever they are.
        pixels: pixels along each axis.
        half_width: half the image's side in eta and phi.
        steps: as those of ``build_images``.

    Returns:
        float32 (b, pixels, pixels), first axis eta, second phi: pT in GeV, or relative after a normalisation.
    """
    jets, longest = momenta.shape[:2]
    if jets == 0 or longest == 0:
        return torch.zeros(jets, pixels, pixels, device=momenta.device)
    _, px, py, pz = momenta.to(torch.float64).movedim(-1, 0).contiguous().unbind()
    present = px * px + py * py > 0.0
    pt = torch.where(present, torch.sqrt(px * px + py * py), 0.0)
    hardest = pt.argmax(1, keepdim=True)  # the first of equal ones
    axis = _relative_axis(*(torch.where(present, p, 0.0) for p in (px, py, pz)), hardest) if _uncentred(steps) else None
    eta, phi = _relative_coordinates(*_harmless(present, px, py, pz), hardest)
    if "centre-centroid" in steps:
        axis = _centroid(pt, eta, phi)
    if axis is not None:
        eta, phi = eta - axis[0], phi - axis[1]
    if "rotate" in steps:
        eta, phi = _rotate(pt, eta, phi, hardest)
    if "rotate-principal" in steps:
        eta, phi = _rotate_principal(pt, eta, phi, present.sum(1, keepdim=True) > 1)
    if "flip-eta" in steps:
        eta = _flip(pt, eta)
    if "flip-phi" in steps:
        phi = _flip(pt, phi)
    return _normalise(_fill(pt, eta, phi, pixels, half_width), steps).float().view(jets, pixels, pixels)


def _uncentred(steps: Sequence[str]) -> bool:
    return not {"centre", "centre-centroid"}.intersection(steps)


def _harmless(present: torch.Tensor, *momentum: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return px, py, pz with (1, 0, 0) in place of padding, whose coordinates must not become NaN."""
    return tuple(torch.where(present, p, value) for p, value in zip(momentum, (1.0, 0.0, 0.0), strict=True))


def _total(x: torch.Tensor) -> torch.Tensor:
    """Return the sums (b, 1) over constituents, on a CPU one after the other as the kernel adds them."""
    return x.cumsum(1)[:, -1:] if x.device.type == "cpu" else x.sum(1, keepdim=True)


def _relative_coordinates(px: torch.Tensor, py: torch.Tensor, pz: torch.Tensor, hardest: torch.Tensor) -> _Pair:
    """Return pseudorapidity and azimuth relative to the hardest constituent."""
    pt2 = px * px + py * py
    pt = torch.sqrt(pt2)
    eta = _pseudorapidity(pt, pz, torch.sqrt(pt2 + pz * pz))
    hard_x, hard_y, hard_pt = (p.gather(1, hardest) for p in (px, py, pt))
    phi = _azimuth(hard_x * px + hard_y * py, hard_x * py - hard_y * px, hard_pt * pt)
    return eta - eta.gather(1, hardest), phi


def _relative_axis(px: torch.Tensor, py: torch.Tensor, pz: torch.Tensor, hardest: torch.Tensor) -> _Pair:
    """Return pseudorapidity and azimuth (b, 1) of the jet's momentum relative to its hardest constituent's."""
    x, y, z = (torch.cat([p.gather(1, hardest), _total(p)], 1) for p in (px, py, pz))
    eta, phi = _relative_coordinates(x, y, z, torch.zeros_like(hardest))
    return eta[:, 1:], phi[:, 1:]


def _pseudorapidity(pt: torch.Tensor, pz: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    eta = _log((pz.abs() + p) / pt)
    return torch.where(pz >= 0.0, eta, -eta)


def _log(x: torch.Tensor) -> torch.Tensor:
    bits = x.view(torch.int64)
    power = (bits - _SQRT_HALF) >> 52
    m = (bits - (power << 52)).view(torch.float64)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q / 11))))
    return power * math.log(2.0) + 2.0 * s * series


def _azimuth(x: torch.Tensor, y: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    t = y / (r + x.abs())
    t = t / (1.0 + torch.sqrt(1.0 + t * t))
    t = t / (1.0 + torch.sqrt(1.0 + t * t))
    q = t * t
    series = 1.0 - q * (1 / 3 - q * (1 / 5 - q * (1 / 7 - q * (1 / 9 - q * (1 / 11 - q / 13)))))
    phi = 8.0 * t * series
    return torch.where(x >= 0.0, phi, torch.where(y >= 0.0, math.pi, -math.pi) - phi)


def _centroid(pt: torch.Tensor, eta: torch.Tensor, phi: torch.Tensor) -> _Pair:
    total = _total(pt)
    total = torch.where(total > 0.0, total, 1.0)
    return _total(pt * eta) / total, _total(pt * phi) / total


def _direction(x: torch.Tensor, y: torch.Tensor) -> _Pair:
    """Return the cosine and sine of a vector's angle; no rotation for a vector without length."""
    r = torch.sqrt(x * x + y * y)
    long = r > 0.0
    return torch.where(long, x / r, 1.0), torch.where(long, y / r, 0.0)


def _turn(eta: torch.Tensor, phi: torch.Tensor, direction: _Pair) -> _Pair:
    """Rotate (determinant +1) so that the direction becomes the first axis."""
    c, s = direction
    return c * eta + s * phi, c * phi - s * eta


def _rotate(pt: torch.Tensor, eta: torch.Tensor, phi: torch.Tensor, hardest: torch.Tensor) -> _Pair:
    """Turn the second-hardest constituent that has a direction onto the positive first axis, if there is one."""
    others = torch.where(eta * eta + phi * phi >= RESOLVED * RESOLVED, pt, 0.0).scatter(1, hardest, 0.0)
    highest, second = others.max(1, keepdim=True)
    found = highest > 0.0
    x, y = (torch.where(found, coordinate.gather(1, second), 0.0) for coordinate in (eta, phi))
    eta, phi = _turn(eta, phi, _direction(x, y))
    # Exactly 0, as its last bit must not decide a flip.
    return eta, phi.scatter(1, second, torch.where(found, 0.0, phi.gather(1, second)))


def _rotate_principal(pt: torch.Tensor, eta: torch.Tensor, phi: torch.Tensor, several: torch.Tensor) -> _Pair:
    """Turn the direction along which pT spreads most onto the first axis, its harder end upwards."""
    xx, yy, xy = (_total(pt * a * b) for a, b in ((eta, eta), (phi, phi), (eta, phi)))
    cos2a, sin2a = _direction(xx - yy, 2.0 * xy)
    narrow = cos2a >= 0.0
    c, s = _direction(torch.where(narrow, 1.0 + cos2a, sin2a), torch.where(narrow, sin2a, 1.0 - cos2a))
    eta, phi = _turn(eta, phi, (torch.where(several, c, 1.0), torch.where(several, s, 0.0)))
    backwards = several & (_balance(pt, eta) < 0.0)
    return torch.where(backwards, -eta, eta), torch.where(backwards, -phi, phi)


def _balance(pt: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return the pT (b, 1) at positive minus that at negative coordinates."""
    return _total(pt * x.sign())


def _flip(pt: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.where(_balance(pt, x) < 0.0, -x, x)


def _fill(pt: torch.Tensor, eta: torch.Tensor, phi: torch.Tensor, pixels: int, half_width: float) -> torch.Tensor:
    """Return images (b, pixels * pixels) of pT, float64."""
    scale, shift = pixels / (2.0 * half_width), 0.5 * pixels + TIE
    row, column = eta * scale + shift, phi * scale + shift
    inside = (row >= 0.0) & (row < pixels) & (column >= 0.0) & (column < pixels)
    place = torch.where(inside, row, 0.0).long() * pixels + torch.where(inside, column, 0.0).long()
    place += torch.arange(len(pt), device=pt.device)[:, None] * (pixels * pixels)
    images = torch.zeros(len(pt) * pixels * pixels, dtype=torch.float64, device=pt.device)
    # One-dimensional, which has a fixed order on every device (on a GPU with torch's deterministic algorithms).
    images.index_add_(0, place.view(-1), torch.where(inside, pt, 0.0).view(-1))
    return images.view(len(pt), -1)


def _normalise(images: torch.Tensor, steps: Sequence[str]) -> torch.Tensor:
    if "normalise" in steps:
        norm = images.amax(1, keepdim=True)
    elif "normalise-sum" in steps:
        norm = images.sum(1, keepdim=True)
    else:
        return images
    return images / torch.where(norm > 0.0, norm, 1.0)
