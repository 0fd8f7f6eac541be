//! Holm's method for several tests on the same runs: together they find a difference by chance more
//! often than one test does.

/// Which of these p-values are significant at `level` when all are judged together.
pub fn significant(p_values: &[f64], level: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));

    let mut holds = vec![false; p_values.len()];
    for (rank, &n) in order.iter().enumerate() {
        if p_values[n] > level / (p_values.len() - rank) as f64 {
            break;
        }
        holds[n] = true;
    }
    holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_must_be_the_smallest_by_far() {
        let check = |p: &[f64], expected: &[bool]| assert_eq!(significant(p, 0.05), expected);

        check(&[0.04], &[true]);
        check(&[0.04, 0.03], &[false, false]);
        check(&[0.04, 0.02], &[true, true]);
        check(&[0.03, 0.001, 0.03], &[false, true, false]);
        check(&[], &[]);
    }
}
