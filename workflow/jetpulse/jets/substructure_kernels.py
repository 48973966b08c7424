"""The compiled kernel of jet substructure; its conventions are written in ``jets/substructure.py``.

All arithmetic is + - * / and sqrt in a fixed order, so the same numbers give the same bits for any number of threads.
The one loop with a number of steps cubic in the constituents adds arrays to arrays, which the compiler may turn into
vector instructions without changing the order of any sum.
"""

import math

import numpy as np

from jetpulse.compiling import compiled

AXES = 4  # subjets at most
RESOLVED = 1e-5  # in rapidity and azimuth; closer directions are the same one but for the rounding of float32 momenta
_compiled = compiled(nogil=True, error_model="numpy")


@_compiled
def substructure(pt, rapidity, phi, offsets, first, last, found):
    """Fill rows ``first`` to ``last`` of ``found`` (n, 7): pTD, tau1 to tau4, e2, e3; 0 for jets without any pT.

    Args:
        pt: of the constituents of all jets, (total,); those without pT are left out.
        rapidity: the same.
        phi: the same, in [-pi, pi].
        offsets: int64 (n + 1).
        first: the first jet.
        last: the jet after the last one.
        found: float64, written to.
    """
    longest = 0
    for jet in range(first, last):
        longest = max(longest, offsets[jet + 1] - offsets[jet])
    p, y, f = np.empty(longest), np.empty(longest), np.empty(longest)
    distance = np.empty((longest, longest))
    near, size, best = np.empty(longest, np.int64), np.empty(longest), np.empty(longest)
    for jet in range(first, last):
        n, total, squares = 0, 0.0, 0.0
        for i in range(offsets[jet], offsets[jet + 1]):
            if pt[i] > 0.0:
                p[n], y[n], f[n] = pt[i], rapidity[i], phi[i]
                total += p[n]
                squares += p[n] * p[n]
                n += 1
        found[jet] = 0.0
        if n == 0:
            continue
        found[jet, 0] = math.sqrt(squares) / total
        for i in range(n):
            p[i] /= total
        _distances(n, y, f, distance)
        _taus(n, p, distance, near, size, best, found[jet, 1 : 1 + AXES])
        found[jet, 1 + AXES], found[jet, 2 + AXES] = _correlators(n, p, distance, best)


@_compiled
def _distances(n, y, f, distance):
    """Fill the symmetric matrix of distances in rapidity and azimuth."""
    for i in range(n):
        distance[i, i] = 0.0
        for j in range(i):
            d_phi = abs(f[i] - f[j])
            if d_phi > math.pi:
                d_phi = 2.0 * math.pi - d_phi
            d = math.sqrt((y[i] - y[j]) * (y[i] - y[j]) + d_phi * d_phi)
            distance[i, j] = distance[j, i] = d if d >= RESOLVED else 0.0


@_compiled
def _taus(n, p, distance, near, size, best, tau):
    """Fill tau_1, tau_2, ... from the kT clustering in which a pair takes the direction of its harder part.

    A subjet is the constituent that gives its direction, ``size`` its pT, so distances never change.
    """
    size[:n] = p[:n]
    for i in range(n):
        near[i] = _nearest(i, n, size, distance)
    for left in range(n, 0, -1):
        if left <= len(tau):
            tau[left - 1] = _tau(n, p, size, distance)
        if left == 1:
            break
        chosen, lowest = -1, np.inf
        for i in range(n):
            if size[i] > 0.0:
                d = _measure(i, near[i], size, distance)
                if chosen < 0 or d < lowest:
                    chosen, lowest = i, d
        other = near[chosen]
        winner, loser = (chosen, other) if size[chosen] >= size[other] else (other, chosen)
        size[winner] += size[loser]
        size[loser] = 0.0
        for i in range(n):
            # To the winner, which has grown, no distance has become less.
            if size[i] > 0.0 and (i == winner or near[i] == loser or near[i] == winner):
                near[i] = _nearest(i, n, size, distance)


@_compiled
def _measure(i, j, size, distance):
    """Return the kT distance of two subjets."""
    softer = min(size[i], size[j])
    return softer * softer * distance[i, j] * distance[i, j]


@_compiled
def _nearest(i, n, size, distance):
    """Return the subjet with the least kT distance to subjet i, the first one of equals; -1 without any other."""
    nearest, lowest = -1, np.inf
    for j in range(n):
        if j != i and size[j] > 0.0:
            d = _measure(i, j, size, distance)
            if nearest < 0 or d < lowest:
                nearest, lowest = j, d
    return nearest


@_compiled
def _tau(n, p, size, distance):
    """Return the mean distance, weighted with pT, of constituents to the nearest subjet."""
    tau = 0.0
    for k in range(n):
        closest = np.inf
        for j in range(n):
            if size[j] > 0.0:
                closest = min(closest, distance[j, k])
        tau += p[k] * closest
    return tau


@_compiled
def _correlators(n, p, distance, row):
    """Return e2 and e3: sums over pairs and triples of pT fractions times distances; overwrites ``distance``.

    With M_ij = sqrt(p_i p_j) R_ij, e3 is the sum of M_ij M_jk M_ik over i < j < k.
    """
    e2, e3 = 0.0, 0.0
    for i in range(n):
        row[i] = math.sqrt(p[i])
    for i in range(n):
        for j in range(n):
            e2 += p[i] * p[j] * distance[i, j]
            distance[i, j] *= row[i] * row[j]
    for i in range(n):
        row[:n] = 0.0
        for j in range(i + 1, n):
            m = distance[i, j]
            for k in range(j + 1, n):
                row[k] += m * distance[j, k]
        for k in range(i + 2, n):
            e3 += row[k] * distance[i, k]
    return 0.5 * e2, e3
