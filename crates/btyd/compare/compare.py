"""Runs the bench, a numpy fit with the same grouping, and lifetimes 0.11.3 on the same customers; prints ratios.

Run from the workspace: python crates/btyd/compare/compare.py
Needs: numpy, scipy, pandas, autograd, dill, and lifetimes 0.11.3 (pip install --no-deps lifetimes==0.11.3). All on one
thread, in CPU time. lifetimes takes minutes; --skip-lifetimes leaves it out.
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, psi


def bench():
    path = os.path.join(tempfile.mkdtemp(), "customers.csv")
    command = ["cargo", "bench", "--quiet", "--package", "btyd", "--bench", "models", "--", "--write", path]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line), np.loadtxt(path, delimiter=",")


def grouped(data):
    """BFGS over the logarithms with the analytic gradient, on distinct rows with weights."""
    rows, w = np.unique(data, axis=0, return_counts=True)
    x, tx, T = rows.T
    some, n = x > 0, w.sum()

    def negative(theta):
        r, alpha, a, b = np.exp(theta)
        ln_T, ln_t = np.log(alpha + T), np.log(alpha + tx)
        d = np.where(some, np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * (ln_T - ln_t), -np.inf)
        p = 1 / (1 + np.exp(-d))
        value = (gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
                 - (r + x) * ln_T + np.logaddexp(0, d))
        g_ab = psi(a + b) - psi(a + b + x)
        gradient = np.array([
            w @ (psi(r + x) - psi(r) + np.log(alpha) - ln_T + p * (ln_T - ln_t)),
            w @ (r / alpha - (r + x) / (alpha + T) + p * (r + x) * (1 / (alpha + T) - 1 / (alpha + tx))),
            w @ (g_ab + p / a),
            w @ (g_ab + psi(b + x) - psi(b) - p / (b + np.maximum(x, 1) - 1)),
        ]) * np.exp(theta)
        return -(w @ value) / n, -gradient / n

    found = minimize(negative, np.log([1.0, T.mean(), 1.0, 1.0]), jac=True, method="BFGS", options={"gtol": 1e-8})
    return found, -found.fun * n


def plain(data):
    import pandas as pd
    from lifetimes import BetaGeoFitter

    frame = pd.DataFrame(data, columns=["x", "tx", "T"])
    fitter = BetaGeoFitter().fit(frame.x, frame.tx, frame["T"])
    # The attribute is a mean in some versions; compute the sum from the parameters.
    params = [fitter.params_[name] for name in ("r", "alpha", "a", "b")]
    mean = -fitter._negative_log_likelihood(np.log(params), data[:, 0], data[:, 1], data[:, 2], np.ones(len(data)), 0.0)
    return params, mean * len(data)


def timed(work, *arguments):
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


ours, data = bench()
for name, value in ours.items():
    print(f"btyd {name} {value}")
fit = float(ours["fit_cpu_s"])
seconds, (found, value) = timed(grouped, data)
print(f"numpy fit_cpu_s {seconds:.3f} evaluations {found.nfev} log_likelihood {value:.6f} {found.message}")
print(f"ratio of CPU time, btyd / numpy: {fit / seconds:.4f} (goal 0.3333)")
print(f"log-likelihood, btyd - numpy: {float(ours['log_likelihood']) - value:.6f}")
if "--skip-lifetimes" not in sys.argv:
    seconds, (params, value) = timed(plain, data)
    print(f"lifetimes fit_cpu_s {seconds:.3f} parameters {params} log_likelihood {value:.6f}")
    print(f"ratio of CPU time, btyd / lifetimes: {fit / seconds:.5f} (goal 0.1)")
    print(f"log-likelihood, btyd - lifetimes: {float(ours['log_likelihood']) - value:.6f}")
