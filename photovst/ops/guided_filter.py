"""The guided filter: smooths a picture, but not across the edges of its guide [He2010]."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from photovst.errors import MediaError, SettingsError
from photovst.ops.box_filter import box_mean_same
from photovst.ops.covariance import inverse_covariance, outer_products, times
from photovst.ops.resize import resize

_Means = Callable[[Tensor], Tensor]


def guided_filter(
    guide: Float[Tensor, "b g h w"], image: Float[Tensor, "b c h w"], radius: int, epsilon: float
) -> Float[Tensor, "b c h w"]:
    """Fit ``image`` in each window as affine in ``guide``; a pixel gets the mean of its windows' fits.

    Windows at the border count only the pixels they hold. Differentiable in both.

    Args:
        guide: One plane (gray) or three (color), values of about [0, 1].
        image: What is smoothed, any number of planes.
        radius: Windows are (2 radius + 1)-square. Larger smooths farther.
        epsilon: Guide variance below which a window counts as flat and is averaged. Larger smooths more.

    Raises:
        SettingsError: the radius is negative, epsilon not positive, or the guide has neither one plane nor
            three.
        MediaError: guide and image differ in size.
    """
    _check(guide, image, epsilon)
    # Covariances are differences of means; taking the picture's own mean out first keeps their digits in
    # float32.
    offset = image.mean(dim=(-2, -1), keepdim=True)
    image = image - offset
    guide = guide - guide.mean(dim=(-2, -1), keepdim=True)
    slopes, intercept = _window_fits(guide, image, radius, epsilon)
    result = box_mean_same(intercept, radius) + offset
    for g, slope in enumerate(slopes):
        result = result + box_mean_same(slope, radius) * guide[:, g, None]
    return result


def fast_guided_filter(
    guide: Float[Tensor, "b g h w"],
    image: Float[Tensor, "b c h w"],
    radius: int,
    epsilon: float,
    weight: Float[Tensor, "b 1 h w"] | None = None,
) -> Float[Tensor, "b c h w"]:
    """`guided_filter` with windows fitted at half the size, a quarter of the work [He2015]; pixels may be weighed.

    Edges come from the guide at its full size; ``image`` is to be smooth, as what is refined is. Planes that sum to 1
    go on doing so.

    Args:
        guide: One plane (gray) or three (color), values of about [0, 1].
        image: What is smoothed, any number of planes.
        radius: Of windows, in pixels of the full size.
        epsilon: Guide variance below which a window counts as flat and is averaged.
        weight: Above 0: how much a pixel has to say in the fit of a window, and a window, by its sum, in the mean of
            those that hold a pixel. A pixel of little weight is given what the others tell of its color.

    Raises:
        SettingsError: the radius is negative, epsilon not positive, or the guide has neither one plane nor
            three.
        MediaError: guide and image differ in size.
    """
    _check(guide, image, epsilon)
    height, width = guide.shape[-2:]
    half, radius = ((height + 1) // 2, (width + 1) // 2), round(radius / 2)
    offset, center = image.mean(dim=(-2, -1), keepdim=True), guide.mean(dim=(-2, -1), keepdim=True)
    image, guide = image - offset, guide - center
    if weight is None:
        slopes, intercept = _window_fits(resize(guide, half), resize(image, half), radius, epsilon)
    else:
        weight, image = resize(weight, half), resize(image * weight, half)
        slopes, intercept = _window_fits(resize(guide, half), image / weight, radius, epsilon, weight)
        weight = box_mean_same(weight, radius)

    def enlarged(planes: Tensor) -> Tensor:
        smooth = _mean(planes, radius, weight)
        # The same bilinear weights as `resize`, an eighth of its time for so many planes.
        return functional.interpolate(smooth, size=(height, width), mode="bilinear", align_corners=False)

    result = enlarged(intercept) + offset
    for g, slope in enumerate(slopes):
        result = result + enlarged(slope) * guide[:, g, None]
    return result


def _check(guide: Tensor, image: Tensor, epsilon: float) -> None:
    if not epsilon > 0:
        raise SettingsError(f"the guided filter's epsilon is {epsilon}; give a number above 0, such as 1e-3")
    channels = guide.shape[1]
    if channels not in (1, 3):
        raise SettingsError(f"the guide has {channels} planes; give 1 (gray) or 3 (color)")
    if guide.shape[-2:] != image.shape[-2:] or guide.shape[0] != image.shape[0]:
        raise MediaError(
            f"the image is {tuple(image.shape)} but its guide {tuple(guide.shape)}; "
            "give as many images as guides, of the same size"
        )


def _slopes(guide: Tensor, mean: Tensor, covariance: list[Tensor], epsilon: float, means: _Means) -> list[Tensor]:
    """Slope of each window's fit along each guide plane, ``(Sigma + epsilon Id)^-1`` times the covariance."""
    if len(covariance) == 1:
        variance = means(guide * guide) - mean * mean
        return [covariance[0] / (variance.clamp_min(0) + epsilon)]
    colors = means(outer_products(guide)) - outer_products(mean)
    return times(inverse_covariance(colors, epsilon), covariance)


def affine_upsample(
    guide: Float[Tensor, "b 3 h w"],
    image: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 full_h full_w"],
    radius: int = 2,
    epsilon: float = 1e-4,
) -> Float[Tensor, "b 3 full_h full_w"]:
    """A small result carried to a larger frame: its local color transforms, applied to the frame [He2015].

    In each window of the small frame the result is fitted as affine in the frame's colors; the fits are brought to the
    large size and applied there, so edges come from the large frame.

    Args:
        guide: the small frame.
        image: the result on it.
        target: the frame at the size wanted.
        radius: windows are (2 radius + 1)-square.
        epsilon: guide variance below which a window counts as flat.
    """
    offset = image.mean(dim=(-2, -1), keepdim=True)
    center = guide.mean(dim=(-2, -1), keepdim=True)
    slopes, intercept = _window_fits(guide - center, image - offset, radius, epsilon)
    size = (target.shape[-2], target.shape[-1])
    result = resize(box_mean_same(intercept, radius), size) + offset
    for g, slope in enumerate(slopes):
        result = result + resize(box_mean_same(slope, radius), size) * (target - center)[:, g, None]
    return result


def _window_fits(
    guide: Tensor, image: Tensor, radius: int, epsilon: float, weight: Tensor | None = None
) -> tuple[list[Tensor], Tensor]:
    """Slopes along each guide plane and intercept of every window's affine fit of ``image`` in ``guide``."""

    def means(planes: Tensor) -> Tensor:
        return _mean(planes, radius, weight)

    guide_mean, image_mean = means(guide), means(image)
    covariance = [means(guide[:, g, None] * image) - guide_mean[:, g, None] * image_mean for g in range(guide.shape[1])]
    slopes = _slopes(guide, guide_mean, covariance, epsilon, means)
    intercept = image_mean
    for g, slope in enumerate(slopes):
        intercept = intercept - slope * guide_mean[:, g, None]
    return slopes, intercept


def _mean(planes: Tensor, radius: int, weight: Tensor | None) -> Tensor:
    if weight is None:
        return box_mean_same(planes, radius)
    return box_mean_same(planes * weight, radius) / box_mean_same(weight, radius)
