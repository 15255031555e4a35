import collections
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
import all_kinds
from fuzz_org import example_org
from judging import *

org = example_org()
only = sys.argv[2:] or all_kinds.NAMES
seeds = range(*map(int, sys.argv[1].split("-")))
found = collections.Counter()
seen = set()
rows = 0
t0 = time.time()
with tempfile.TemporaryDirectory() as f:
    for n in only:
        t = time.time()
        acc = collections.Counter()
        for s in seeds:
            try:
                a = judged(n, s, folder=Path(f), org=org)
                rows += a.mapped + a.problems
                acc[a.refused or "read"] += 1
            except (Exception, TooSlow) as e:
                w = f"{n}: {type(e).__name__}: {str(e)[:400]}"
                found[n] += 1
                k = (n, type(e).__name__, str(e)[:60])
                if k not in seen and found[n] < 6:
                    seen.add(k)
                    print("!!", s, w)
                    if not isinstance(e, Wrong):
                        print(
                            "   ",
                            [
                                f"{fr.filename.split('/')[-1]}:{fr.lineno}"
                                for fr in traceback.extract_tb(e.__traceback__)
                            ][-6:],
                        )
        print(f"{n:45} {time.time() - t:6.1f}s {dict(acc)} bad={found[n]}")
print(len(only), "kinds", rows, "rows", time.time() - t0)
