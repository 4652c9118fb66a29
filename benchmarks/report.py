"""What a benchmark says: a figure, its unit, and the most or least it may be where it is a promise."""

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured figure."""

    what: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether a promise holds; a figure without one always does."""
        low = self.least is not None and self.value < self.least
        return not low and (self.most is None or self.value <= self.most)

    def __str__(self) -> str:
        said = "kept" if self.kept else "NOT KEPT"
        promise = "" if self.most is None else f"   (at most {self.most:g}: {said})"
        promise += "" if self.least is None else f"   (at least {self.least:g}: {said})"
        return f"{self.what:<48} {self.value:10.2f} {self.unit}{promise}"
