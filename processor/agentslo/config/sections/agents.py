"""The `agents` section: where the agent files are.

In: nodes, and the folder of the service file. Out: `AgentsOptions`, and the paths of the files. No
state beyond what is on disk. Source: design.md 3.
"""

from pathlib import Path

from agentslo.config.agents import files_in
from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Text
from agentslo.config.options import AgentsOptions
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group

DEFAULT_FOLDER = "agents"

_PATH = Text(r"[^\0]{1,4096}", "a path")


AGENTS = Group(
    name="agents",
    doc="Agent files (docs/agent-file.md), relative to this file. A list is a list of files. "
    f"Without this section, the folder `{DEFAULT_FOLDER}` beside this file, where there is one.",
    make=AgentsOptions,
    start=AgentsOptions(),
    shorthand="files",
    into="agent_files",
    fields=(
        Key("directory", _PATH, "Folder whose `*.yaml` and `*.yml` are read, by name."),
        TextList("files", _PATH, "Single files."),
    ),
)


def agent_paths(options: AgentsOptions, base: Path | None, reading: Reading) -> tuple[Path, ...]:
    """The files to read, each once; `base` is the service file's folder, None without one."""
    beside = Path() if base is None else base
    folder = options.directory
    if options == AgentsOptions():
        if base is None or not (base / DEFAULT_FOLDER).is_dir():
            return ()
        folder = DEFAULT_FOLDER
    found = [*_in_folder(beside, folder, reading)] if folder else []
    for index, name in enumerate(options.files):
        path = beside / name
        if path.is_dir():
            fix = f"write 'agents: {{directory: {name}}}'"
            reading.note(("agents", "files", index), f"{quoted(name)} is a folder", fix)
        else:
            found.append(path)
    return tuple({path.resolve(): path for path in reversed(found)}.values())[::-1]


def _in_folder(beside: Path, folder: str, reading: Reading) -> tuple[Path, ...]:
    where: OptionPath = ("agents", "directory")
    try:
        found = files_in(beside / folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"{quoted(folder)} cannot be read: {reason}"
        reading.note(where, what, "correct the path; it is relative to this file")
        return ()
    if not found and reading.is_written(where):
        what = f"{quoted(folder)} holds no *.yaml file"
        reading.warn(where, what, "write one with: agentslo init")
    return found
