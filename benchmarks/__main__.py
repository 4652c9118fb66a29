"""`make bench`: every benchmark in one run; 1 where a promised ratio is not kept."""

import importlib
import sys

BENCHMARKS = ("upload_workbook", "small_workbook", "queue_of_small", "large_draft", "load_people", "reconcile")


def main() -> int:
    """Print every figure as it is known."""
    kept = True
    for name in BENCHMARKS:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        print((benchmark.__doc__ or "").splitlines()[0], flush=True)
        for figure in benchmark.main([]):
            print(f"  {figure}", flush=True)
            kept = kept and figure.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
