# SPDX-License-Identifier: Apache-2.0
"""What belongs to which component, read from cmake/components.cmake: the one list of it."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWNS = {  # component: (folder, what it owns there)
    component: (ROOT / folder, owned.split())
    for component, folder, owned in re.findall(
        r"^proximal_owns\((\w+) (\S+) ([^)]+)\)", (ROOT / "cmake/components.cmake").read_text(encoding="utf-8"), re.MULTILINE
    )
}
FOLDERS = sorted({folder for folder, _ in OWNS.values()})


def component_of(header):
    """The component of a header, given as it is included: proximal/io/hub.hpp is of run."""
    top = pathlib.PurePosixPath(header).with_suffix("").parts[1]
    everything = None
    for component, (folder, owned) in OWNS.items():
        if (folder / header).is_file():
            if top in owned:
                return component
            if owned == ["*"]:
                everything = component
    return everything


def headers(component):
    """A component's headers, as they are included, in order."""
    folder = OWNS[component][0]
    found = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.hpp")))
    return [header for header in found if component_of(header) == component]
