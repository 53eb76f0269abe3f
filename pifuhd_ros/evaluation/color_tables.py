"""What an evaluation says of colours, light and distances, for readers."""

from __future__ import annotations

import statistics

from pifuhd_ros.evaluation.color_scores import ALBEDOS
from pifuhd_ros.evaluation.evaluate import SystemScores
from pifuhd_ros.evaluation.light_scores import LightReport

_COLUMNS = (
    ("front PSNR [dB]", "psnr_front_db", 1),
    ("back PSNR [dB]", "psnr_back_db", 1),
    ("front SSIM", "ssim_front", 3),
    ("back SSIM", "ssim_back", 3),
)
_TITLES = {"photo": "the photo taken for it", "mean_color": "the photo's mean colour"}


def color_text(scores: SystemScores) -> str | None:
    """A table of a system's albedo beside two baselines; None where it was not compared."""
    colors = [person.colors for person in scores.people if person.colors is not None]
    if not colors:
        return None
    lines = [
        "| | " + " | ".join(title for title, _, _ in _COLUMNS) + " |",
        "|---|" + "---:|" * len(_COLUMNS),
    ]
    for name in ALBEDOS:
        figures = [
            f"{statistics.fmean(getattr(getattr(one, name), key) for one in colors):.{digits}f}"
            for _, key, digits in _COLUMNS
        ]
        lines.append(f"| {_TITLES.get(name, f'`{scores.system}`')} | " + " | ".join(figures) + " |")
    cover = statistics.fmean(one.cover for one in colors)
    said = (
        f"Albedo of the coloured mesh, of {len(colors)} people, over the pixels of the person that "
        f"it covers ({100 * cover:.0f} %):"
    )
    return "\n\n".join([said, "\n".join(lines)])


def slope_text(scores: SystemScores) -> str | None:
    """How true a system's distances are; None where it has none."""
    slopes = [person.slope for person in scores.people if person.slope is not None]
    if not slopes:
        return None
    mean = statistics.fmean(one.mean for one in slopes)
    spread = statistics.fmean(one.spread for one in slopes)
    return f"Length of the distance's gradient near the surface: {mean:.3f} ± {spread:.3f}."


def light_text(report: LightReport) -> str:
    """What several lights made of the same people."""
    count = len(report.people)
    who = f"{count} {'person' if count == 1 else 'people'} in {report.lights} lights each"
    if report.failures:
        who += f" (no shape for {len(report.failures)} others)"
    if not report.people:
        return f"Of {who} nothing can be said."
    summary = report.summary()
    return (
        f"Of {who}: the albedo's spread over the lights is {summary['spread_ratio']['mean']:.2f} "
        f"of the photos' (mean; worst {summary['spread_ratio']['highest']:.2f}); the main light is "
        f"found {summary['error_deg']['median']:.0f}° off in the median."
    )
