"""A small parametrised detector: tracks, calorimeter towers, energy flow.

Granularity, efficiencies, resolutions and thresholds follow the ATLAS card of Delphes (de Favereau et al.,
doi:10.1007/JHEP02(2014)057), which made the public top-tagging sample: a solenoid of 2 T and 1.15 m, tracks up to
|eta| = 2.5, towers of 0.1 x 10 degrees up to |eta| = 1.6 and 0.1 x 20 degrees beyond. What a tower measures beyond
the tracks that point to it becomes a neutral energy-flow object.
"""

import math

import numba
import numpy as np

ETA_MAX = 4.9
_ETA_BINS = 98  # of width 0.1 over [-4.9, 4.9)
_PHI_BINS = 36  # of 10 degrees; beyond |eta| = 1.6 two share one tower
_FINE_ETA = 1.6
_TRACK_ETA = 2.5
_TRACK_PT_MIN = 0.1  # GeV
_BEND = 0.345  # GeV: 0.3 B R / 2 for B = 2 T, R = 1.15 m; sin(bend) = _BEND / pT at the calorimeter
_ECAL_MIN = 0.5  # GeV
_HCAL_MIN = 1.0  # GeV
_SIGNIFICANCE = 2.0  # a deposit counts when it exceeds so many standard deviations


@numba.njit(cache=True)
def _charge(pdg):
    """Charge of the particles that reach the detector: e, mu, pi, K, p and charged hyperons; 0 for the others."""
    a = abs(pdg)
    if a in (11, 13, 3112, 3312, 3334):
        return -1 if pdg > 0 else 1
    if a in (211, 321, 2212, 3222):
        return 1 if pdg > 0 else -1
    return 0


@numba.njit(cache=True)
def _efficiency(pt, abs_eta, pdg):
    """Probability that a charged particle leaves a track."""
    if abs_eta > _TRACK_ETA or pt < _TRACK_PT_MIN:
        return 0.0
    central = abs_eta <= 1.5
    if abs(pdg) == 13:
        return (0.75 if central else 0.70) if pt <= 1.0 else (0.99 if central else 0.98)
    if abs(pdg) == 11:
        return (0.73 if central else 0.50) if pt <= 1.0 else (0.95 if central else 0.83)
    return (0.70 if central else 0.60) if pt <= 1.0 else (0.95 if central else 0.85)


@numba.njit(cache=True)
def _track_resolution(pt, abs_eta):
    """Relative resolution of a track's pT."""
    constant = 0.01 if abs_eta <= 0.5 else (0.015 if abs_eta <= 1.5 else 0.025)
    slope = 1.0e-4 if abs_eta <= 0.5 else (1.5e-4 if abs_eta <= 1.5 else 3.5e-4)  # per GeV
    return math.hypot(constant, slope * pt)


@numba.njit(cache=True)
def _ecal_sigma(energy, abs_eta):
    """Standard deviation (GeV) of an electromagnetic deposit of ``energy`` (GeV)."""
    if abs_eta <= 3.2:
        return math.sqrt((0.0017 * energy) ** 2 + 0.101**2 * energy)
    return math.sqrt((0.035 * energy) ** 2 + 0.285**2 * energy)


@numba.njit(cache=True)
def _hcal_sigma(energy, abs_eta):
    """Standard deviation (GeV) of a hadronic deposit of ``energy`` (GeV)."""
    if abs_eta <= 1.7:
        return math.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy)
    if abs_eta <= 3.2:
        return math.sqrt((0.05 * energy) ** 2 + 0.706**2 * energy)
    return math.sqrt((0.0942 * energy) ** 2 + energy)


@numba.njit(cache=True)
def _log_normal(rng, mean, sigma):
    """Draw a positive energy with the given mean and standard deviation, as Delphes does."""
    if mean <= 0.0:
        return 0.0
    variance = math.log(1.0 + (sigma / mean) ** 2)
    return math.exp(math.log(mean) - 0.5 * variance + math.sqrt(variance) * rng.standard_normal())


@numba.njit(cache=True)
def _excess(energy, tracks, sigma, threshold):
    """Energy beyond the tracks if it is above threshold and significant, else 0."""
    neutral = energy - tracks
    return neutral if neutral > threshold and neutral > _SIGNIFICANCE * sigma else 0.0


@numba.njit(cache=True)
def _direction(out, n, energy, eta, phi):
    """Write a massless object of ``energy`` (GeV) into row n of E, px, py, pz."""
    pt = energy / math.cosh(eta)
    out[n, 0] = energy
    out[n, 1] = pt * math.cos(phi)
    out[n, 2] = pt * math.sin(phi)
    out[n, 3] = pt * math.sinh(eta)


@numba.njit(cache=True)
def _tower(eta, phi):
    """Index of the tower that contains a direction."""
    i = min(_ETA_BINS - 1, max(0, int((eta + ETA_MAX) * 10.0)))
    # floor, not int: the bend in the magnetic field carries azimuths below -pi.
    j = math.floor((phi + math.pi) / (2.0 * math.pi) * _PHI_BINS) % _PHI_BINS
    if abs(-ETA_MAX + (i + 0.5) * 0.1) > _FINE_ETA:
        j -= j % 2
    return i * _PHI_BINS + j


@numba.njit(cache=True)
def simulate_detector(rng, offsets, pdg, momenta):
    """Return what the detector reports for the visible particles of each event.

    Args:
        rng: NumPy generator; advanced event by event, so batches of any size give the same objects.
        offsets: int64 (n + 1), particles of each of n events.
        pdg: int32 (total,), PDG ids.
        momenta: float64 (total, 4), E, px, py, pz in GeV.

    Returns:
        offsets int64 (n + 1) and energy-flow objects float64 (m, 4): tracks, then towers, event by event.
    """
    out = np.empty((3 * len(pdg) + 1, 4))
    out_offsets = np.zeros(len(offsets), np.int64)
    deposits = np.zeros((_ETA_BINS * _PHI_BINS, 4))  # ECAL, HCAL, tracks in ECAL, tracks in HCAL
    touched = np.empty(_ETA_BINS * _PHI_BINS, np.int64)
    n = 0
    for event in range(len(offsets) - 1):
        towers = 0
        for i in range(offsets[event], offsets[event + 1]):
            E, px, py, pz = momenta[i]
            pt = math.hypot(px, py)
            if pt <= 0.0:
                continue
            eta, phi = math.asinh(pz / pt), math.atan2(py, px)
            if abs(eta) >= ETA_MAX:
                continue
            charge = _charge(pdg[i])
            tracked, track_energy = False, 0.0
            if charge != 0 and rng.random() < _efficiency(pt, abs(eta), pdg[i]):
                scale = _log_normal(rng, 1.0, _track_resolution(pt, abs(eta)))
                track_energy = math.sqrt(max(E * E - pt * pt - pz * pz, 0.0) + (scale * math.hypot(pt, pz)) ** 2)
                out[n, 0], out[n, 1], out[n, 2], out[n, 3] = track_energy, scale * px, scale * py, scale * pz
                tracked = True
                n += 1
            if abs(pdg[i]) == 13:
                continue  # muons pass through the calorimeters
            if charge != 0:
                if pt <= _BEND:
                    continue  # curls up inside the solenoid
                phi -= charge * math.asin(_BEND / pt)
            k = _tower(eta, phi)
            if deposits[k, 0] == 0.0 and deposits[k, 1] == 0.0:
                touched[towers] = k
                towers += 1
            layer = 0 if pdg[i] == 22 or abs(pdg[i]) == 11 else 1
            deposits[k, layer] += E
            if tracked:
                deposits[k, 2 + layer] += track_energy
        for k in touched[:towers]:
            low_eta = -ETA_MAX + 0.1 * (k // _PHI_BINS)
            abs_eta = abs(low_eta + 0.05)
            width = (2.0 if abs_eta > _FINE_ETA else 1.0) * 2.0 * math.pi / _PHI_BINS
            low_phi = -math.pi + (k % _PHI_BINS) * 2.0 * math.pi / _PHI_BINS
            for layer in range(2):
                energy = deposits[k, layer]
                if energy == 0.0:
                    continue
                sigma = _ecal_sigma(energy, abs_eta) if layer == 0 else _hcal_sigma(energy, abs_eta)
                measured = _log_normal(rng, energy, sigma)
                neutral = _excess(measured, deposits[k, 2 + layer], sigma, _ECAL_MIN if layer == 0 else _HCAL_MIN)
                if neutral > 0.0:
                    eta, phi = low_eta + 0.1 * rng.random(), low_phi + width * rng.random()
                    _direction(out, n, neutral, eta, phi)
                    n += 1
            deposits[k] = 0.0
        out_offsets[event + 1] = n
    return out_offsets, out[:n].copy()
