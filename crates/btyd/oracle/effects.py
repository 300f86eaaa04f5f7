"""Writes tests/data/effects.csv: intervals and tests from scipy and from the textbook formulas.

Run: python oracle/effects.py > tests/data/effects.csv   (needs scipy 1.17, numpy, mpmath 1.4)
"""
import math

import mpmath as mp
import numpy as np
from scipy import stats

mp.mp.dps = 30
print("# made by oracle/effects.py: name, value")


def emit(name, value):
    print(f"{name},{mp.nstr(mp.mpf(value), 17)}")


z = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))


def wilson(k, n):
    p = mp.mpf(k) / n
    m, h = p + z * z / (2 * n), z * mp.sqrt(p * (1 - p) / n + z * z / (4 * mp.mpf(n) ** 2))
    return (m - h) / (1 + z * z / n), (m + h) / (1 + z * z / n)


low, high = wilson(946, 2357)
emit("wilson_low", low)
emit("wilson_high", high)
for name, (k, n, j, m) in {"a": (45, 1000, 30, 1000), "b": (0, 200, 0, 100), "c": (56, 70, 48, 80)}.items():
    p, q = mp.mpf(k) / n, mp.mpf(j) / m
    (l1, u1), (l2, u2) = wilson(k, n), wilson(j, m)
    emit(f"newcombe_{name}_low", p - q - mp.sqrt((p - l1) ** 2 + (u2 - q) ** 2))
    emit(f"newcombe_{name}_high", p - q + mp.sqrt((u1 - p) ** 2 + (q - l2) ** 2))
    if k:
        half = z * mp.sqrt(1 / mp.mpf(k) - 1 / mp.mpf(n) + 1 / mp.mpf(j) - 1 / mp.mpf(m))
        emit(f"katz_{name}_low", p / q * mp.exp(-half))
        emit(f"katz_{name}_high", p / q * mp.exp(half))
t = [12.0, 15.5, 9.25, 20.0, 14.0, 11.0, 30.5]
c = [10.0, 9.0, 13.5, 8.0, 12.25]
test = stats.ttest_ind(t, c, equal_var=False)
emit("welch_p", float(test.pvalue))
emit("welch_df", float(test.df))
ci = test.confidence_interval(0.95)
emit("welch_low", float(ci.low))
emit("welch_high", float(ci.high))
before_t = [8.0, 11.0, 7.5, 15.0, 10.0, 9.0, 22.0]
before_c = [9.0, 8.5, 12.0, 7.0, 11.0]
x, y = np.array(before_t + before_c), np.array(t + c)
theta = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
adj = y - theta * (x - x.mean())
test = stats.ttest_ind(adj[:7], adj[7:], equal_var=False)
emit("cuped_theta", float(theta))
emit("cuped_difference", float(adj[:7].mean() - adj[7:].mean()))
emit("cuped_p", float(test.pvalue))
emit("cuped_correlation", float(np.corrcoef(x, y)[0, 1]))
za, zb = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
m = (0.1 + 0.12) / 2
n = ((za * math.sqrt(2 * m * (1 - m)) + zb * math.sqrt(0.1 * 0.9 + 0.12 * 0.88)) / 0.02) ** 2
emit("size_rates", math.ceil(n))
emit("size_means", math.ceil(2 * ((za + zb) * 10 / 1.5) ** 2))
