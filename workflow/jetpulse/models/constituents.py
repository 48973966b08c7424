"""What networks on jet constituents are told: features of each one and of each pair; no network itself.

Momenta are (batch, n, 4): E, px, py, pz in GeV, hardest first, rows of zeros behind the last constituent.
"""

import torch

_TINY = 1e-8


def particle_features(momenta: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (batch, m, 7) of the ``most`` hardest constituents and which of them exist, bool (batch, m).

    Columns: eta and phi relative to the jet axis, log pT, log E, log pT and log E relative to the jet's, distance to
    the axis; shifted and scaled to order 1 (arXiv:1902.08570, table 2). The jet is the sum of all constituents.
    """
    momenta = momenta.float()
    jet = momenta.sum(1, keepdim=True)
    momenta = momenta[:, :most]
    mask = momenta[..., 0] > 0
    pt, eta, phi = _polar(momenta)
    jet_pt, jet_eta, jet_phi = _polar(jet)
    d_eta, d_phi = eta - jet_eta, _wrap(phi - jet_phi)
    log_pt, log_e = pt.clamp(min=_TINY).log(), momenta[..., 0].clamp(min=_TINY).log()
    columns = [
        d_eta,
        d_phi,
        (log_pt - 1.7) * 0.7,
        (log_e - 2.0) * 0.7,
        (log_pt - jet_pt.clamp(min=_TINY).log() + 4.7) * 0.7,
        (log_e - jet[..., 0].clamp(min=_TINY).log() + 4.7) * 0.7,
        (torch.sqrt(d_eta**2 + d_phi**2 + _TINY) - 0.2) * 4.0,
    ]
    return torch.stack(columns, -1) * mask[..., None], mask


def pair_features(momenta: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (batch, pairs, 4) of all pairs of the ``most`` hardest constituents (arXiv:2202.03772, eq. 3).

    Columns: logarithms of the distance, of kT, of the momentum fraction of the softer one, and of the pair's mass
    squared, shifted and scaled to order 1; 0 for pairs that do not exist. No feature knows the order of a pair, so each
    is there once; ``where`` int64 (m, m), returned too, holds the place of every ordered pair.
    """
    momenta = momenta.float()[:, :most]
    m = momenta.shape[1]
    first, second = torch.triu_indices(m, m, device=momenta.device)
    where = torch.empty(m, m, dtype=torch.int64, device=momenta.device)
    where[first, second] = where[second, first] = torch.arange(len(first), device=momenta.device)
    pt, _, phi = _polar(momenta)
    E, pz = momenta[..., 0], momenta[..., 3]
    rapidity = 0.5 * ((E + pz).clamp(min=_TINY) / (E - pz).clamp(min=_TINY)).log()
    a, b = pt[:, first], pt[:, second]
    distance = torch.sqrt(
        (rapidity[:, first] - rapidity[:, second]) ** 2 + _wrap(phi[:, first] - phi[:, second]) ** 2 + _TINY
    )
    softer = torch.minimum(a, b)
    total = momenta[:, first] + momenta[:, second]
    mass2 = total[..., 0] ** 2 - (total[..., 1:] ** 2).sum(-1)
    columns = [
        (distance.log() + 2.0) * 0.5,
        ((softer * distance).clamp(min=_TINY).log() + 1.0) * 0.3,
        ((softer / (a + b).clamp(min=_TINY)).clamp(min=_TINY).log() + 2.0) * 0.5,
        (mass2.clamp(min=1e-4).log() - 1.0) * 0.3,
    ]
    return torch.stack(columns, -1) * ((a > 0) & (b > 0))[..., None], where


def _polar(momenta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    pt = torch.hypot(momenta[..., 1], momenta[..., 2])
    return pt, torch.asinh(momenta[..., 3] / pt.clamp(min=_TINY)), torch.atan2(momenta[..., 2], momenta[..., 1])


def _wrap(phi: torch.Tensor) -> torch.Tensor:
    return (phi + torch.pi) % (2 * torch.pi) - torch.pi
