"""A small parametrised detector: tracks, calorimeter towers, energy flow.

Geometry, granularity, efficiencies, resolutions, thresholds and energy flow follow the ATLAS card of Delphes 3.3.2
(de Favereau et al., doi:10.1007/JHEP02(2014)057), the one that fits the public top-tagging sample. There, neutral
objects come in pairs of one direction, at most one pair in a tower of 0.1 x 10 degrees (later cards have a finer
electromagnetic calorimeter, apart from the hadronic one); no object has a mass; and hard constituents are as few as
the card's coarse momentum resolution makes them (3.3.3 has a better one).

Energy flow in each layer of a tower: a track keeps its momentum where the tracker measures it better than the
calorimeter would, and its energy is subtracted from the layer's. The other tracks share what is left, whatever it is;
only where there are none can it become a neutral object.
"""

import math

import numpy as np

from jetpulse.compiling import compiled

ETA_MAX = 4.9
_RADIUS = 1150.0  # mm, of the field and of the calorimeter's inner face
_HALF_LENGTH = 3510.0  # mm
_RADIUS_PER_GEV = 1e3 / (0.299792458 * 2.0)  # mm: radius of the helix of 1 GeV of transverse momentum in 2 T
_PT_MIN = 3e-5  # GeV; softer particles stay in the beam pipe
_TRACK_ETA = 2.5
_TRACK_PT_MIN = 0.1  # GeV
_CORE = np.arange(-25, 26) / 10
_OUTER = np.array([2.6, 2.8, 3.0, 3.2, 3.3, 3.5, 3.7, 3.9, 4.1, 4.3, 4.5, 4.7, ETA_MAX])
_ETA_EDGES = np.concatenate([-_OUTER[::-1], _CORE, _OUTER])
_FAR_EDGES = np.maximum(np.abs(_ETA_EDGES[1:]), np.abs(_ETA_EDGES[:-1]))
# Rows of towers of 10 degrees in phi; in the others two of 36 columns are one tower of 20 degrees.
_IS_FINE = (_FAR_EDGES < 2.65) | (np.abs(_FAR_EDGES - 3.3) < 0.05)
_PHI_BINS = 36
_COLUMN = 2.0 * math.pi / _PHI_BINS
_ECAL, _HCAL = 0, 1  # layers of a tower
_MINIMUM = (0.5, 1.0)  # GeV in a layer; less, or less than one standard deviation, is nothing
_ENERGY, _PRECISE, _VAGUE = 0, 1, 2  # kept for a layer: all energy, that of its two kinds of tracks


@compiled()
def _charge(pdg):
    """Charge of the particles that reach the detector: e, mu, pi, K, p and charged hyperons; 0 for the others."""
    a = abs(pdg)
    if a in (11, 13, 3112, 3312, 3334):
        return -1 if pdg > 0 else 1
    if a in (211, 321, 2212, 3222):
        return 1 if pdg > 0 else -1
    return 0


@compiled()
def _efficiency(pt, abs_eta, pdg):
    """Probability that a charged particle leaves a track."""
    if abs_eta > _TRACK_ETA or pt <= _TRACK_PT_MIN:
        return 0.0
    central = abs_eta <= 1.5
    if abs(pdg) == 13:
        return (0.75 if central else 0.70) if pt <= 1.0 else (0.99 if central else 0.98)
    if abs(pdg) == 11:
        if pt > 100.0:
            return 0.99 if central else 0.90
        return (0.73 if central else 0.50) if pt <= 1.0 else (0.95 if central else 0.83)
    return (0.70 if central else 0.60) if pt <= 1.0 else (0.95 if central else 0.85)


@compiled()
def _track_resolution(pt, abs_eta, pdg):
    """Relative resolution of a track's pT: a constant and a slope per GeV, in quadrature."""
    region = 0 if abs_eta <= 0.5 else (1 if abs_eta <= 1.5 else 2)
    if abs(pdg) == 13:
        return math.hypot((0.02, 0.03, 0.06)[region], (2.0e-4, 3.0e-4, 6.0e-4)[region] * pt)
    return math.hypot((0.06, 0.10, 0.25)[region], (1.3e-3, 1.7e-3, 3.1e-3)[region] * pt)


@compiled()
def _sigma(layer, energy, abs_eta):
    """Standard deviation (GeV) of a deposit of ``energy`` (GeV)."""
    if layer == _ECAL:
        if abs_eta <= 3.2:
            return math.sqrt((0.0017 * energy) ** 2 + 0.101**2 * energy)
        return math.sqrt((0.035 * energy) ** 2 + 0.285**2 * energy)
    if abs_eta <= 1.7:
        return math.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)
    if abs_eta <= 3.2:
        return math.sqrt((0.05 * energy) ** 2 + 0.706**2 * energy)
    return math.sqrt((0.0942 * energy) ** 2 + energy)


@compiled()
def _log_normal(rng, mean, sigma):
    """Draw a positive energy with the given mean and standard deviation."""
    variance = math.log(1.0 + (sigma / mean) ** 2)
    return math.exp(math.log(mean) - 0.5 * variance + math.sqrt(variance) * rng.standard_normal())


@compiled()
def _significant(layer, energy, abs_eta):
    """Return the energy (GeV) if it is above the layer's threshold and its standard deviation, else 0."""
    return energy if energy >= _MINIMUM[layer] and energy >= _sigma(layer, energy, abs_eta) else 0.0


@compiled()
def _arrival(charge, momentum, vertex):
    """Return eta and phi where a particle reaches the calorimeter, and whether it does.

    A charged particle runs on a helix; too soft to reach the calorimeter's barrel it curls up and reaches an end.

    Args:
        charge: -1, 0 or 1.
        momentum: E, px, py, pz in GeV, with px or py not 0.
        vertex: x, y, z in mm, where the particle was made; beyond the calorimeter's face it is not seen.
    """
    px, py, slope = momentum[1], momentum[2], momentum[3] / math.hypot(momentum[1], momentum[2])
    x, y, z = vertex[0], vertex[1], vertex[2]
    if math.hypot(x, y) > _RADIUS or abs(z) > _HALF_LENGTH:
        return 0.0, 0.0, False
    to_end = (math.copysign(_HALF_LENGTH, slope) - z) / slope if slope != 0.0 else math.inf  # path in the x-y plane
    phi = math.atan2(py, px)
    if charge == 0:
        along = x * math.cos(phi) + y * math.sin(phi)
        path = min(to_end, -along + math.sqrt(along * along - (x * x + y * y) + _RADIUS * _RADIUS))
        x, y = x + path * math.cos(phi), y + path * math.sin(phi)
    else:
        bend = charge * _RADIUS_PER_GEV * math.hypot(px, py)
        centre_x, centre_y = x + bend * math.sin(phi), y - bend * math.cos(phi)
        path = min(to_end, _path_to_barrel(bend, centre_x, centre_y, x, y))
        if path == math.inf:
            return 0.0, 0.0, False
        x, y = centre_x - bend * math.sin(phi - path / bend), centre_y + bend * math.cos(phi - path / bend)
    return math.asinh((z + slope * path) / math.hypot(x, y)), math.atan2(y, x), True


@compiled()
def _path_to_barrel(bend, centre_x, centre_y, x, y):
    """Return the path (mm) on a circle from (x, y) to the calorimeter's barrel, infinite if it stays inside.

    ``bend`` is the circle's radius, positive where it is run through clockwise.
    """
    distance, radius = math.hypot(centre_x, centre_y), abs(bend)
    if distance + radius <= _RADIUS:
        return math.inf
    # The angle at the circle's centre between the way out and the two points at _RADIUS from the origin.
    cosine = (_RADIUS * _RADIUS - distance * distance - radius * radius) / (2.0 * distance * radius)
    opening = math.acos(min(1.0, max(-1.0, cosine)))
    turn = math.atan2(y - centre_y, x - centre_x) - math.atan2(centre_y, centre_x)
    sense = math.copysign(1.0, bend)
    return radius * min((sense * turn + opening) % (2.0 * math.pi), (sense * turn - opening) % (2.0 * math.pi))


@compiled()
def _tower(eta, phi):
    """Return row and column of the tower that contains a direction."""
    row = min(len(_ETA_EDGES) - 2, max(0, np.searchsorted(_ETA_EDGES, eta, "right") - 1))
    column = min(_PHI_BINS - 1, max(0, math.floor((phi + math.pi) / _COLUMN)))
    return row, column if _IS_FINE[row] else column - column % 2


@compiled()
def _centre(row):
    return abs(0.5 * (_ETA_EDGES[row] + _ETA_EDGES[row + 1]))


@compiled()
def _write(out, n, energy, eta, phi):
    """Write a massless object of ``energy`` (GeV) into row n of E, px, py, pz."""
    pt = energy / math.cosh(eta)
    out[n, 0], out[n, 1], out[n, 2], out[n, 3] = energy, pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)


@compiled()
def _enter(rng, pdg, momentum, vertex, deposits, touched, towers, out, n):
    """Let one particle leave energy in its tower and, perhaps, a track in row n of ``out``.

    Returns:
        Number of towers touched so far, whether there is a track, and the index (tower, layer) of the energy that it
        will share, or -1 where it keeps its momentum.
    """
    pt = math.hypot(momentum[1], momentum[2])
    charge = _charge(pdg)
    if pt <= _PT_MIN:
        return towers, False, -1
    eta, phi, arrives = _arrival(charge, momentum, vertex)
    if not arrives or abs(eta) >= ETA_MAX:
        return towers, False, -1
    row, column = _tower(eta, phi)
    tower = row * _PHI_BINS + column
    layer = _ECAL if pdg == 22 or abs(pdg) == 11 else _HCAL
    is_muon = abs(pdg) == 13
    if not is_muon:  # muons pass through the calorimeters
        if deposits[tower, _ECAL, _ENERGY] == 0.0 and deposits[tower, _HCAL, _ENERGY] == 0.0:
            touched[towers] = tower
            towers += 1
        deposits[tower, layer, _ENERGY] += momentum[0]
    if charge == 0 or rng.random() >= _efficiency(pt, abs(eta), pdg):
        return towers, False, -1
    resolution = _track_resolution(pt, abs(eta), pdg)
    scale = 1.0 + resolution * rng.standard_normal()
    if scale <= 0.0:
        return towers, False, -1
    energy = scale * math.hypot(pt, momentum[3])  # a track has no mass
    out[n, 0], out[n, 1], out[n, 2], out[n, 3] = energy, scale * momentum[1], scale * momentum[2], scale * momentum[3]
    if is_muon:
        return towers, True, -1
    is_vague = _sigma(layer, energy, _centre(row)) < resolution * energy
    deposits[tower, layer, _VAGUE if is_vague else _PRECISE] += energy
    return towers, True, 2 * tower + layer if is_vague else -1


@compiled()
def _read_tower(rng, tower, deposits, out, n):
    """Measure a tower: write its neutral objects from row n on, and into ``deposits`` the scale of its vague tracks.

    Returns:
        The row after the last object.
    """
    row = tower // _PHI_BINS
    # Both layers report the same direction, which is known to the tower only.
    eta = _ETA_EDGES[row] + (_ETA_EDGES[row + 1] - _ETA_EDGES[row]) * rng.random()
    phi = -math.pi + _COLUMN * (tower % _PHI_BINS + (1.0 if _IS_FINE[row] else 2.0) * rng.random())
    for layer in range(2):
        energy, vague = deposits[tower, layer, _ENERGY], deposits[tower, layer, _VAGUE]
        if energy == 0.0:
            continue
        measured = _log_normal(rng, energy, _sigma(layer, energy, _centre(row)))
        left = _significant(layer, measured, _centre(row)) - deposits[tower, layer, _PRECISE]
        if vague > 0.0:
            deposits[tower, layer, _VAGUE] = max(0.0, left / vague)
        elif left > 0.0 and _significant(layer, left, _centre(row)) > 0.0:
            _write(out, n, left, eta, phi)
            n += 1
    return n


@compiled()
def simulate_detector(rng, offsets, pdg, momenta, vertices):
    """Return what the detector reports for the visible particles of each event.

    Args:
        rng: NumPy generator; advanced event by event, so batches of any size give the same objects.
        offsets: int64 (n + 1), particles of each of n events.
        pdg: int32 (total,), PDG ids.
        momenta: float64 (total, 4), E, px, py, pz in GeV.
        vertices: float64 (total, 3), x, y, z in mm where the particles were made; the beams collide at 0.

    Returns:
        offsets int64 (n + 1) and massless energy-flow objects float64 (m, 4): tracks, then towers, event by event.
    """
    out = np.empty((3 * len(pdg) + 1, 4))
    out_offsets = np.zeros(len(offsets), np.int64)
    shares = np.empty(len(pdg), np.int64)
    n_towers = (len(_ETA_EDGES) - 1) * _PHI_BINS
    deposits, touched = np.zeros((n_towers, 2, 3)), np.empty(n_towers, np.int64)
    n = 0
    for event in range(len(offsets) - 1):
        first, towers = n, 0
        for i in range(offsets[event], offsets[event + 1]):
            towers, tracked, share = _enter(rng, pdg[i], momenta[i], vertices[i], deposits, touched, towers, out, n)
            if tracked:
                shares[n - first] = share
                n += 1
        end_of_tracks = n
        for tower in touched[:towers]:
            n = _read_tower(rng, tower, deposits, out, n)
        kept = first
        for i in range(first, n):
            if i < end_of_tracks and shares[i - first] >= 0:
                out[i] *= deposits[shares[i - first] // 2, shares[i - first] % 2, _VAGUE]
            if out[i, 0] > 0.0:  # a track without any energy left is lost
                out[kept] = out[i]
                kept += 1
        n = kept
        for tower in touched[:towers]:
            deposits[tower] = 0.0
        out_offsets[event + 1] = n
    return out_offsets, out[:n].copy()
