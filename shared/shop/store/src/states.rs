//! The states of several orders: loaded, changed and saved together.

use std::collections::BTreeMap;

use domain::OrderId;

/// What each order of a batch has in one table, such as its payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct States<S>(BTreeMap<OrderId, Loaded<S>>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Loaded<S> {
    before: S,
    now: S,
}

impl<S: Copy + PartialEq> States<S> {
    /// The order's state, to be read and changed. `None` when it has none.
    pub fn of(&mut self, order: OrderId) -> Option<&mut S> {
        self.0.get_mut(&order).map(|loaded| &mut loaded.now)
    }

    /// Those that were changed since they were loaded, in the order of the orders' ids.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (OrderId, S)> {
        let changed = self.0.iter().filter(|(_, state)| state.before != state.now);
        changed.map(|(order, state)| (*order, state.now))
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
    fn only_a_state_that_was_changed_is_saved() {
        let (one, two) = (OrderId::new(), OrderId::new());
        let mut states: States<u8> = [(one, 1), (two, 2)].into_iter().collect();
        *states.of(two).unwrap() = 3;
        *states.of(one).unwrap() = 1;
        assert_eq!(states.changed().collect::<Vec<_>>(), [(two, 3)]);
    }
}
