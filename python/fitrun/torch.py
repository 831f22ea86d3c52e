"""Decoders of priors as PyTorch modules: codes to rotation matrices, with gradients."""

from __future__ import annotations

import numpy as np
import torch

from ._fitrun import Prior


class Decoder(torch.nn.Module):
    """Rotations (n, 21, 3, 3) of codes (n, latent_dim), by the weights of a prior that has a decoder."""

    def __init__(self, prior: Prior | str) -> None:
        super().__init__()
        prior = Prior(prior) if isinstance(prior, str) else prior
        layers, self.slope = prior.layers()
        for number, (weight, bias) in enumerate(layers):
            self.register_buffer(f"weight{number}", torch.from_numpy(np.ascontiguousarray(weight)).float())
            self.register_buffer(f"bias{number}", torch.from_numpy(np.ascontiguousarray(bias)).float())
        self.latent_dim = prior.latent_dim

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        x = codes
        for number in range(3):
            weight, bias = getattr(self, f"weight{number}"), getattr(self, f"bias{number}")
            x = torch.nn.functional.linear(x, weight.to(x.dtype), bias.to(x.dtype))
            if number < 2:
                x = torch.nn.functional.leaky_relu(x, self.slope)
        # Six numbers are the first two columns, interleaved, made orthonormal (Zhou et al. 2019).
        columns = x.reshape(*x.shape[:-1], 21, 3, 2)
        first = torch.nn.functional.normalize(columns[..., 0], dim=-1)
        second = columns[..., 1]
        second = second - (first * second).sum(-1, keepdim=True) * first
        second = torch.nn.functional.normalize(second, dim=-1)
        return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)
