"""The image model said plainly: each atom's spectrum, summed at every frequency of a periodic grid."""

from __future__ import annotations

import numpy as np

from helpers.scattering import scattering_factor


def images_by_spectrum(positions, matrices, shape, pixel_size, elements, H, B):
    """Σ_n H (B/π)^1.5 f(q) exp(−B q²) exp(−2πi q·x) / pixel³, transformed back; no windows, no margin."""
    qx, qy = np.fft.fftfreq(shape[0], pixel_size), np.fft.fftfreq(shape[1], pixel_size)
    q2 = qx[:, None] ** 2 + qy**2
    images = np.empty((len(matrices), *shape))
    for t, matrix in enumerate(matrices):
        spectrum = np.zeros(shape, complex)
        for n, r in enumerate(positions):
            u, v = (matrix.T @ r)[:2] + pixel_size * (np.array(shape) // 2)
            height = H[n] * (B[n] / np.pi) ** 1.5 / pixel_size**3
            profile = height * scattering_factor(elements[n], np.sqrt(q2)) * np.exp(-B[n] * q2)
            spectrum += profile * np.exp(-2j * np.pi * (qx[:, None] * u + qy * v))
        images[t] = np.fft.ifft2(spectrum).real
    return images
