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
    return torch.stack(columns, -1).masked_fill(~mask[..., None], 0), mask


def pair_features(momenta: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (batch, pairs, 4) of all pairs of the ``most`` hardest constituents (arXiv:2202.03772, eq. 3).

    Columns: logarithms of the distance, of kT, of the momentum fraction of the softer one, and of the pair's mass
    squared (as if neither had a mass), shifted and scaled to order 1; 0 for pairs that do not exist. No feature knows
    the order of a pair, so each is there once; ``where`` int64 (m, m), returned too, holds the place of every ordered
    pair.
    """
    momenta = momenta.float()[:, :most]
    m = momenta.shape[1]
    # Row by row below the diagonal: places do not depend on the number of constituents, which exports leave open.
    first, second = torch.tril_indices(most, most, device=momenta.device)[:, : m * (m + 1) // 2]
    number = torch.arange(m, device=momenta.device)
    later, earlier = torch.maximum(number[:, None], number), torch.minimum(number[:, None], number)
    where = later * (later + 1) // 2 + earlier
    pt, _, phi = _polar(momenta)
    E, pz = momenta[..., 0], momenta[..., 3]
    rapidity = 0.5 * ((E + pz).clamp(min=_TINY) / (E - pz).clamp(min=_TINY)).log()
    a, b = pt[:, first], pt[:, second]
    d_rapidity, d_phi = rapidity[:, first] - rapidity[:, second], _wrap(phi[:, first] - phi[:, second])
    distance = (d_rapidity**2 + d_phi**2).clamp(min=_TINY).sqrt()
    softer = torch.minimum(a, b)
    # 2 a b (cosh dy - cos dphi): E^2 - p^2 would lose all digits of pairs that are close together.
    mass2 = 4 * a * b * (torch.sinh(d_rapidity / 2) ** 2 + torch.sin(d_phi / 2) ** 2)
    columns = [
        (distance.log() + 2.0) * 0.5,
        ((softer * distance).clamp(min=_TINY).log() + 1.0) * 0.3,
        ((softer / (a + b).clamp(min=_TINY)).clamp(min=_TINY).log() + 2.0) * 0.5,
        (mass2.clamp(min=1e-4).log() - 1.0) * 0.3,
    ]
    return torch.stack(columns, -1).masked_fill(~((a > 0) & (b > 0))[..., None], 0), where


def transverse(momenta: torch.Tensor) -> torch.Tensor:
    """Return the transverse momenta (batch, n) of momenta (batch, n, 4), in their units."""
    return (momenta[..., 1] ** 2 + momenta[..., 2] ** 2).sqrt()  # ONNX has no hypot


def _polar(momenta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    pt = transverse(momenta)
    return pt, torch.asinh(momenta[..., 3] / pt.clamp(min=_TINY)), torch.atan2(momenta[..., 2], momenta[..., 1])


def _wrap(phi: torch.Tensor) -> torch.Tensor:
    return (phi + torch.pi) % (2 * torch.pi) - torch.pi
