//! The states of several orders: loaded, changed and saved together.

use std::collections::{BTreeMap, HashSet};

use domain::OrderId;

/// The state of each order of a batch in one table, such as its payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct States<S>(BTreeMap<OrderId, Loaded<S>>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Loaded<S> {
    before: S,
    now: S,
}

impl<S: Copy + PartialEq> States<S> {
    /// The order's state, to be read and changed. `None` if the order has none.
    pub fn of(&mut self, order: OrderId) -> Option<&mut S> {
        self.0.get_mut(&order).map(|loaded| &mut loaded.now)
    }

    /// The states that have changed since they were loaded, sorted by order id.
    pub fn changed(&self) -> impl Iterator<Item = (OrderId, S)> {
        let changed = self.0.iter().filter(|(_, state)| state.before != state.now);
        changed.map(|(order, state)| (*order, state.now))
    }
}

impl<S: Copy> States<S> {
    /// The states to insert where there is no row yet. Of two for one order, the first counts.
    pub(crate) fn to_insert(states: impl IntoIterator<Item = (OrderId, S)>) -> States<S> {
        let mut first = BTreeMap::new();
        for (order, state) in states {
            first.entry(order).or_insert(state);
        }
        first.into_iter().collect()
    }

    /// The orders that had a row already: all but the inserted ones.
    pub(crate) fn existing(&self, inserted: &HashSet<OrderId>) -> Vec<OrderId> {
        let existing = self.0.keys().filter(|order| !inserted.contains(order));
        existing.copied().collect()
    }

    /// Replaces these states.
    pub(crate) fn with(mut self, states: impl IntoIterator<Item = (OrderId, S)>) -> States<S> {
        let States(states) = states.into_iter().collect();
        self.0.extend(states);
        self
    }
}

impl<S: Copy> FromIterator<(OrderId, S)> for States<S> {
    fn from_iter<I: IntoIterator<Item = (OrderId, S)>>(states: I) -> States<S> {
        let loaded = |(order, state)| {
            let (before, now) = (state, state);
            (order, Loaded { before, now })
        };
        States(states.into_iter().map(loaded).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_state_that_has_changed_is_saved() {
        let (one, two) = (OrderId::new(), OrderId::new());
        let mut states: States<u8> = [(one, 1), (two, 2)].into_iter().collect();
        *states.of(two).unwrap() = 3;
        *states.of(one).unwrap() = 1;
        assert_eq!(states.changed().collect::<Vec<_>>(), [(two, 3)]);
    }

    #[test]
    fn a_row_that_exists_replaces_the_state_to_insert() {
        let (old, new) = (OrderId::new(), OrderId::new());
        let states = States::to_insert([(new, 1), (old, 2), (new, 3)]);
        assert_eq!(states.existing(&[new].into()), [old]);
        let mut states = states.with([(old, 4)]);
        assert_eq!(states.changed().count(), 0);
        assert_eq!(states.of(new), Some(&mut 1));
        assert_eq!(states.of(old), Some(&mut 4));
    }
}
