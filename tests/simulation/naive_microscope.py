"""The obvious way to expose a frame: every pixel asks every atom."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from helpers.scattering import atom_profile, cross_section, scattering_factor


def clean_image(positions, angles, element, *, shape, pixel_size, dose, B, shift=(0.0, 0.0), velocity=(0.0, 0.0)):
    """Electrons in each pixel, with a drift that is linear over the lines along x."""
    phi, theta, psi = angles
    rotation = Rotation.from_euler("ZYX", [phi, theta, psi], degrees=True)
    seen = rotation.inv().apply(positions) / pixel_size
    image = np.zeros(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            time = i / shape[0] - 0.5
            x = i - shape[0] // 2 - shift[0] - velocity[0] * time
            y = j - shape[1] // 2 - shift[1] - velocity[1] * time
            distance = np.hypot(seen[:, 0] - x, seen[:, 1] - y) * pixel_size
            near = distance[distance < 5.0]
            image[i, j] = atom_profile(element, B, near).sum() if len(near) else 0.0
    scale = dose * pixel_size**2 * cross_section(element) / scattering_factor(element, 0.0)
    return image * float(scale)
