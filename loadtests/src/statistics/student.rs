//! Student's t distribution, for the small samples that runs are.

/// The chance that |t| is at least this large if there is no difference.
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    if !t.is_finite() {
        return 0.0;
    }
    regularized_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// The t that is not exceeded with probability `p`, which is above a half.
pub fn quantile(p: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if 1.0 - two_sided(middle, freedom) / 2.0 < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// I_x(a, b) by its continued fraction (Lentz's method, as in Numerical Recipes, section 6.4).
fn regularized_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - regularized_beta(1.0 - x, b, a);
    }
    let front = a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    let tiny = 1e-300;
    let away = |value: f64| if value.abs() < tiny { tiny } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for coefficient in [even, odd] {
            d = 1.0 / away(1.0 + coefficient * d);
            c = away(1.0 + coefficient / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-14 {
            break;
        }
    }
    front.exp() * fraction / a
}

/// Lanczos' approximation, good to ten digits for positive arguments.
fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.120_865_097_386_617_9e-2,
        -0.539_523_938_495_3e-5,
    ];
    let base = x + 5.5 - (x + 0.5) * (x + 5.5).ln();
    let mut series = 1.000_000_000_190_015;
    for (n, coefficient) in COEFFICIENTS.iter().enumerate() {
        series += coefficient / (x + 1.0 + n as f64);
    }
    -base + (2.506_628_274_631_000_5 * series / x).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the printed tables.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        let check = |p, freedom, expected: f64| {
            let found = quantile(p, freedom);
            assert!(
                (found - expected).abs() < 0.001,
                "t({p}, {freedom}) = {found}"
            );
        };
        check(0.975, 1.0, 12.706);
        check(0.975, 2.0, 4.303);
        check(0.975, 9.0, 2.262);
        check(0.995, 4.0, 4.604);
        check(0.95, 30.0, 1.697);
    }

    #[test]
    fn a_large_t_is_improbable() {
        assert!((two_sided(2.262, 9.0) - 0.05).abs() < 1e-4);
        assert!((two_sided(0.0, 3.0) - 1.0).abs() < 1e-9);
        assert_eq!(two_sided(f64::INFINITY, 3.0), 0.0);
    }
}
