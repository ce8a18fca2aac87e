"""A corrected tomogram in other programs: before and after side by side, mask and confidence, under one camera.

::

    scene ──> chimerax  a .cxc script
          └─> napari    a .py script
"""

from isonet.steps.report.viewers.scene import Scene

__all__ = ["Scene"]
