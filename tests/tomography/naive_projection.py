"""Projection written as its definition: every voxel shared by the four pixels around it, in double precision."""

import numpy as np


def rotation(phi, theta, psi):
    a, b, c = np.deg2rad([phi, theta, psi])
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return z @ y @ x


def matrix(angles, volume_shape, shape):
    """Yield the dense projection matrix of each tilt: pixels × voxels."""
    grid = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in volume_shape], indexing="ij"), -1).reshape(-1, 3)
    for euler in angles:
        u, v, _ = (grid @ rotation(*euler)).T + np.array([[shape[0] // 2], [shape[1] // 2], [0]])
        weights = np.zeros((shape[0] * shape[1], len(grid)))
        for i in range(shape[0]):
            for j in range(shape[1]):
                weights[i * shape[1] + j] = np.clip(1 - abs(u - i), 0, None) * np.clip(1 - abs(v - j), 0, None)
        yield weights


def project(volume, angles, shape):
    return np.stack([(w @ volume.ravel()).reshape(shape) for w in matrix(angles, volume.shape, shape)])


def back_project(images, angles, volume_shape):
    tilts = matrix(angles, volume_shape, images.shape[1:])
    return sum(w.T @ image.ravel() for w, image in zip(tilts, images, strict=True)).reshape(volume_shape)
