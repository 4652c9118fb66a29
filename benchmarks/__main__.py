"""`make bench`: every benchmark in one run; 1 where a promised ratio is not kept."""

import sys

from benchmarks import load_people, upload_workbook


def main() -> int:
    """Print every figure as it is known."""
    kept = True
    for benchmark in (upload_workbook, load_people):
        print((benchmark.__doc__ or "").splitlines()[0], flush=True)
        for figure in benchmark.main([]):
            print(f"  {figure}", flush=True)
            kept = kept and figure.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
