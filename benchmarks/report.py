"""What a benchmark says: a figure, its unit, and the most it may be where it is a promise."""

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured figure."""

    what: str
    value: float
    unit: str
    most: float | None = None

    @property
    def kept(self) -> bool:
        """Whether a promise holds; a figure without one always does."""
        return self.most is None or self.value <= self.most

    def __str__(self) -> str:
        promise = "" if self.most is None else f"   (at most {self.most:g}: {'kept' if self.kept else 'NOT KEPT'})"
        return f"{self.what:<44} {self.value:10.2f} {self.unit}{promise}"
