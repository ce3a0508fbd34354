"""股权与控制 (holdings): who holds one firm on a day, who controls it, what it holds; from landed facts, not guessed.

``reading`` goes through the read door and keeps what was told; ``picture`` works out shares and control in fractions
(``ownership``), over the neighbourhood that was read and no further; ``telling`` puts it into words, a chart and rows.
Others call ``controlling_shareholder``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .picture import ControllingShareholder, Picture, controlling_shareholder, open_picture

#: The fact table of holders (股东及出资信息): what a consent names.
TABLE = "holdings"
__all__ = ["TABLE", "ControllingShareholder", "Picture", "controlling_shareholder", "open_picture"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.picture"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
