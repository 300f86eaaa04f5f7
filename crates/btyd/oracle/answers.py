"""Writes tests/data/answers.csv: answers of the models from their published closed forms at high precision.

Run: python oracle/answers.py > tests/data/answers.csv   (needs mpmath 1.4)

The formulas are those of the papers (hypergeometric functions, finite sums), not those of the crate, so that both
can be wrong only independently. Where a closed form is 0/0 (a = 1, s = 1) it is taken at 1 + 1e-60.
"""
import mpmath as mp

mp.mp.dps = 150
M = mp.mpf
print("# made by oracle/answers.py: quantity, model, 4 parameters, x, t_x, T, t, value")


def nudge(v):
    v = M(v)
    return v + M(10) ** -60 if v == 1 else v


def emit(quantity, model, params, x, tx, T, t, value):
    cells = [quantity, model, *map(repr, params), x, repr(tx), repr(T), repr(t), mp.nstr(value, 20)]
    print(",".join(map(str, cells)))


def rising(r, x):
    return mp.gammaprod([r + x], [r])


# BG/NBD: Fader, Hardie, Lee (2005), equations 3, 7, 9, 10; MBG/NBD: the same with one more chance to leave.
def bg(params, x, tx, T, t, extra):
    r, alpha, a, b = map(nudge, params)
    x, tx, T, t = int(x), M(tx), M(T), M(t)
    k = x + extra
    stay = mp.beta(a, b + k) / mp.beta(a, b) * rising(r, x) * alpha**r / (alpha + T) ** (r + x)
    gone = 0
    if k > 0:
        gone = mp.beta(a + 1, b + k - 1) / mp.beta(a, b) * rising(r, x) * alpha**r / (alpha + tx) ** (r + x)
    alive = stay / (stay + gone)
    A, R, B = alpha + T, r + x, b + k
    z = t / (A + t)
    expected = alive * (a + B - 1) / (a - 1) * (1 - (A / (A + t)) ** R * mp.hyp2f1(R, B, a + B - 1, z))
    none = (A / (A + t)) ** R
    yield "alive", alive
    yield "expected", expected
    yield "purchase", alive * (1 - none)
    yield "churn", 1 - alive * (1 - none)
    yield "loglik", mp.log(stay + gone)


def bg_new(params, n, t, extra):
    r, alpha, a, b = map(nudge, params)
    t = M(t)
    B = b + extra
    z = t / (alpha + t)
    e = (a + B - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * mp.hyp2f1(r, B, a + B - 1, z))
    yield "new", e * (b / (a + b) if extra else 1)
    pmf = lambda j: rising(r, j) / mp.factorial(j) * (1 - z) ** r * z**j
    k = n + extra
    p = mp.beta(a, b + k) / mp.beta(a, b) * pmf(n)
    if k > 0:
        p += mp.beta(a + 1, b + k - 1) / mp.beta(a, b) * (1 - mp.fsum(pmf(j) for j in range(n)))
    yield "pmf", p


# Pareto/NBD: Fader and Hardie (2005, "A note on deriving the Pareto/NBD"), likelihood with A0.
def a0(r, alpha, s, beta, x, lo, hi):
    """Integral of (alpha+y)^-(r+x) (beta+y)^-(s+1) from lo to hi, by the hypergeometric form."""
    R = r + x

    def part(y):
        n = R + s
        if alpha >= beta:
            f = mp.hyp2f1(n, s + 1, n + 1, (alpha - beta) / (alpha + y))
            return f / (n * (alpha + y) ** n)
        f = mp.hyp2f1(n, R, n + 1, (beta - alpha) / (beta + y))
        return f / (n * (beta + y) ** n)

    return part(lo) - part(hi)


def pareto(params, x, tx, T, t):
    r, alpha, s, beta = map(nudge, params)
    tx, T, t = M(tx), M(T), M(t)
    R = r + x
    stay = (alpha + T) ** -R * (beta + T) ** -s
    gone = s * a0(r, alpha, s, beta, x, tx, T)
    alive = stay / (stay + gone)
    A, B = alpha + T, beta + T
    none = (A / (A + t)) ** R * (B / (B + t)) ** s + s * A**R * B**s * a0(R, A, s, B, 0, 0, t)
    yield "alive", alive
    yield "expected", alive * R * B / (A * (s - 1)) * (1 - (B / (B + t)) ** (s - 1))
    yield "purchase", alive * (1 - none)
    yield "churn", 1 - alive * (1 - none)
    yield "loglik", mp.log(rising(r, x) * alpha**r * beta**s * (stay + gone))


def pareto_new(params, n, t):
    r, alpha, s, beta = map(nudge, params)
    t = M(t)
    yield "new", r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))
    ways = rising(r, n) / mp.factorial(n) * alpha**r
    stayed = ways * t**n / (alpha + t) ** (r + n) * (beta / (beta + t)) ** s
    mp.mp.dps = 40
    f = lambda y: y**n / (alpha + y) ** (r + n) * s * beta**s / (beta + y) ** (s + 1)
    left = ways * mp.quad(f, mp.linspace(0, t, 40))
    mp.mp.dps = 150
    yield "pmf", stayed + left


CDNOW = (0.2426, 4.4136, 0.7929, 2.4259)
BG = [CDNOW, (0.2426, 4.4136, 1.0, 2.4259), (0.2426, 4.4136, 1.000000001, 2.4259), (0.8, 0.5, 0.05, 0.3),
      (3.0, 20.0, 5.0, 40.0), (0.1, 2.0, 1.7, 0.4)]
PARETO = [(0.5534, 10.5776, 0.6061, 11.6688), (0.5534, 10.5776, 1.0, 11.6688), (2.0, 3.0, 1.000000001, 40.0),
          (0.9, 60.0, 3.0, 2.0)]
ROWS = [(0, 0.0, 0.0), (0, 0.0, 39.0), (0, 0.0, 0.140625), (1, 5.0, 39.0), (2, 30.5, 38.875), (7, 38.875, 38.875),
        (26, 30.75, 31.0), (100, 900.0, 1000.0), (300, 38.0, 39.0), (300, 5000.0, 5200.0), (1000, 2600.0, 2600.0)]
TIMES = [0.0078125, 1.0, 39.0, 5200.0]
COUNTS = [0, 1, 2, 7, 40, 300]

for model, extra in (("bg", 0), ("mbg", 1)):
    for params in BG:
        for x, tx, T in ROWS:
            for t in TIMES:
                for quantity, value in bg(params, x, tx, T, t, extra):
                    if quantity not in ("alive", "loglik") or t == 1.0:
                        emit(quantity, model, params, x, tx, T, t, value)
        for n in COUNTS:
            for t in TIMES:
                for quantity, value in bg_new(params, n, t, extra):
                    if (quantity == "pmf" and value > M(10) ** -100) or (quantity == "new" and n == 0):
                        emit(quantity, model, params, n, 0.0, 0.0, t, value)
for params in PARETO:
    for x, tx, T in ROWS:
        for t in TIMES:
            for quantity, value in pareto(params, x, tx, T, t):
                if quantity not in ("alive", "loglik") or t == 1.0:
                    emit(quantity, "pareto", params, x, tx, T, t, value)
    for n in [0, 1, 2, 7, 40, 300]:
        for t in [1.0, 39.0]:
            for quantity, value in pareto_new(params, n, t):
                if (quantity == "pmf" and value > M(10) ** -100) or (quantity == "new" and n == 0):
                    emit(quantity, "pareto", params, n, 0.0, 0.0, t, value)

# Gamma-Gamma: Fader and Hardie (2013); x, then the mean spend in the place of t_x.
for params in [(6.25, 3.74, 15.44, 0.0), (0.3, 1.05, 200.0, 0.0), (40.0, 9.0, 0.5, 0.0)]:
    p, q, g = map(M, params[:3])
    for x, m in [(1, 20.0), (2, 0.03125), (30, 150.5), (300, 35.0), (1000, 35.0)]:
        emit("spend", "gg", params, x, m, 0.0, 0.0, p * (g + x * M(m)) / (p * x + q - 1))
        value = (mp.loggamma(p * x + q) - mp.loggamma(p * x) - mp.loggamma(q) + q * mp.log(g) - mp.log(M(m))
                 + p * x * mp.log(x * M(m)) - (p * x + q) * mp.log(g + x * M(m)))
        emit("loglik", "gg", params, x, m, 0.0, 0.0, value)
    emit("mean", "gg", params, 0, 0.0, 0.0, 0.0, p * g / (q - 1))

# Discounted purchases: step and rate per step in the places of a second parameter set are fixed here.
for x, tx, T in ROWS[1:6]:
    for t in [26.0, 520.0]:
        n, total, before = int(mp.ceil(M(t) / 4)), M(0), M(0)
        for k in range(1, n + 1):
            now = dict(bg(CDNOW, x, tx, T, min(M(4) * k, M(t)), 0))["expected"]
            total += (now - before) / (1 + M(1) / 128) ** k
            before = now
        emit("discounted", "bg", CDNOW, x, tx, T, t, total)

# The hypergeometric function itself: a, b, c, z in the places of the parameters.
mp.mp.dps = 60
for a, b, c in [(0.5, 1.5, 2.25), (1.0, 30.3, 31.0), (10.25, 8.5, 9.3), (300.25, 302.4, 302.2), (2.0, 3.0, 4.0),
                (0.3, 0.2, 5.5), (6.2, 1.6, 7.2), (1.2, 2.4, 2.2)]:
    for z in [-40.0, -1.0, -0.125, 0.0, 0.25, 0.75, 0.9375, 0.9990234375, 0.999999]:
        value = mp.hyp2f1(a, b, c, z)
        if abs(value) < M(10) ** 300 and value > M(10) ** -300:
            emit("2f1", "fn", (a, b, c, z), 0, 0.0, 0.0, 0.0, value)
