"""Let torchvision import beside a CPU build of torch; import this before timm, open_clip or torchvision.

torchvision's wheels are linked against CUDA. Beside a CPU torch their compiled operators do not load, and the
import stops at ``operator torchvision::nms does not exist`` as it registers shape functions for two of them.
Declaring the two schemas is enough: nothing here calls them. Beside a CUDA torch this module does nothing.
"""

import torch

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def declare_missing_operators() -> list[torch.library.Library]:
    """Declare ``torchvision::nms`` and ``qnms`` where a CPU torch lacks them; they exist as long as the result does."""
    libraries = []
    if torch.version.cuda is None and torch.version.hip is None:
        for name, schema in _SCHEMAS.items():
            if not hasattr(torch.ops.torchvision, name):
                library = torch.library.Library("torchvision", "FRAGMENT")
                library.define(name + schema)
                libraries.append(library)
    return libraries


_KEPT_ALIVE = declare_missing_operators()
