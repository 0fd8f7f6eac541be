//! Student's t distribution, which small samples such as runs need.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The chance that |t| is at least this large if there is no difference.
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    if !t.is_finite() {
        return 0.0;
    }
    2.0 * standard(freedom).sf(t.abs())
}

/// The t that is not exceeded with probability `p`, which is above a half.
pub fn quantile(p: f64, freedom: f64) -> f64 {
    standard(freedom).inverse_cdf(p)
}

fn standard(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("a sample of two or more has degrees of freedom")
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
        assert!((two_sided(-2.262, 9.0) - 0.05).abs() < 1e-4);
        assert!((two_sided(0.0, 3.0) - 1.0).abs() < 1e-9);
        assert_eq!(two_sided(f64::INFINITY, 3.0), 0.0);
    }
}
