"""The `drift` section: what an agent's runs are compared with, and how sure an alarm must be.

In: nodes. Out: `DriftOptions`. No state. Source: design.md 5; methods.md 3.5 and 3.6.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, Duration, Integer, Number
from agentslo.config.options import DAY_S, DriftOptions
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group


def _finish(options: DriftOptions, path: OptionPath, reading: Reading) -> DriftOptions:
    if not reading.is_sound(*path):
        return options
    if options.z_watch > options.z_drift:
        what = f"z_watch ({options.z_watch:g}) is above z_drift ({options.z_drift:g})"
        reading.note((*path, "z_watch"), what, "keep z_watch at most z_drift")
    if options.slice_s > options.window_s:
        what = f"slice_s ({options.slice_s:g} s) is above window_s ({options.window_s:g} s)"
        reading.note((*path, "slice_s"), what, "keep slice_s at most window_s")
    return options


DRIFT = Group(
    name="drift",
    doc="What an agent's runs are compared with, and how sure an alarm must be (docs/drift.md).",
    make=DriftOptions,
    start=DriftOptions(),
    finish=_finish,
    fields=(
        Key("enabled", Boolean(), "Whether runs are watched for change."),
        Key("baseline_runs", Integer(100, 1_000_000), "Runs an agent's baseline is learnt from."),
        Key("baseline_days", Number(0, 92), "Days it is learnt for at least: a whole week."),
        Key(
            "watch_runs",
            Integer(50, 1_000_000),
            "Runs from which an unfinished baseline may raise `watch`, never `drift`.",
        ),
        Key("slice_s", Duration(10, DAY_S), "Length of a slice; windows are tested at its end."),
        Key(
            "slice_runs",
            Integer(0, 1_000_000),
            "Runs of a slice, in place of its length; the window is then one slice.",
        ),
        Key("window_s", Duration(60, 31 * DAY_S), "Window compared with the baseline."),
        Key("min_window_runs", Integer(20, 1_000_000), "Runs below which a window is not tested."),
        Key("z_watch", Number(1, 40), "Deviate of a window from which a feature is watched."),
        Key("z_drift", Number(1, 40), "Deviate of a window from which a feature has drifted."),
        Key(
            "false_alarm_days",
            Number(0, 3_650),
            "Days of an agent's traffic between false alarms of its online detectors, at least.",
        ),
        Key(
            "false_alarm_runs",
            Integer(1_000, 100_000_000),
            "Runs between them at least, whatever the traffic.",
        ),
        Key(
            "requests",
            Boolean(),
            "Whether what people ask is compared, by hashes of its words, in memory alone.",
        ),
    ),
)
