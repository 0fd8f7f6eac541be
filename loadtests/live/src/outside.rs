//! Orders from outside: placed without the page, such as with curl. A span of the entry shows when
//! each was answered, and the database shows its id. A client that begins a trace of its own is not
//! counted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::clock::now_ms;
use crate::orders::{Accepted, Book, Shown};
use crate::spans::Span;

/// How long the order of an answer is searched for. A repeated request has none of its own.
const SEARCHED_MS: f64 = 10_000.0;
/// The page shows at most ten of them per second.
const SHOW_EVERY: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Outside {
    /// Accepted requests whose orders are not known yet.
    requests: Vec<Arc<Span>>,
    /// Orders of the same time that are entered already.
    entered: BTreeSet<Uuid>,
    last_shown: Option<Instant>,
}

impl Outside {
    /// Takes requests that the entry has answered.
    pub(crate) fn take(&mut self, requests: Vec<Arc<Span>>, book: &Book) {
        let oldest_ms = now_ms() - SEARCHED_MS;
        self.requests.retain(|request| request.end_ms > oldest_ms);
        for request in requests {
            match request.status {
                Some(200..300) => self.requests.push(request),
                _ => {
                    book.offer(1);
                    book.refuse();
                }
            }
        }
    }

    /// The ids between which the orders are. `None` when no request waits for its order.
    pub(crate) fn range(&mut self) -> Option<(Uuid, Uuid)> {
        let begins = self.requests.iter().map(|request| request.begin_ms);
        let ends = self.requests.iter().map(|request| request.end_ms);
        let (begin, end) = (begins.min_by(f64::total_cmp)?, ends.max_by(f64::total_cmp)?);
        let (first, last) = (id_at(begin), id_at(end + 1.0));
        self.entered.retain(|order| *order >= first);
        Some((first, last))
    }

    /// Enters the orders of waiting requests. Returns those that the page shows.
    pub(crate) fn enter(&mut self, orders: Vec<Uuid>, book: &Book) -> Vec<Shown> {
        let mut shown = vec![];
        for order in orders {
            let is_of = |request: &Arc<Span>| {
                id_at(request.begin_ms) <= order && order < id_at(request.end_ms + 1.0)
            };
            if self.entered.contains(&order) {
                continue;
            }
            let Some(place) = self.requests.iter().position(is_of) else {
                continue;
            };
            let request = self.requests.remove(place);
            self.entered.insert(order);
            let is_shown = self
                .last_shown
                .is_none_or(|last| last.elapsed() >= SHOW_EVERY);
            if is_shown {
                self.last_shown = Some(Instant::now());
            }
            book.offer(1);
            shown.extend(book.accept(Accepted {
                id: order,
                sent: None,
                due_ms: request.begin_ms,
                answer_ms: request.end_ms - request.begin_ms,
                customer: None,
                trace: is_shown.then_some(request.trace),
                by_hand: true,
            }));
        }
        shown
    }
}

/// The least id of version 7 at this time. Source: RFC 9562, section 5.7.
fn id_at(ms: f64) -> Uuid {
    Uuid::from_u128((ms.max(0.0) as u128) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::Kind;

    #[test]
    fn each_answer_enters_one_order_of_its_time_and_a_repeated_request_none() {
        let now = now_ms().floor();
        let request = |begin_ms: f64, status| {
            Arc::new(Span {
                trace: 1,
                id: String::new(),
                parent: None,
                service: "gateway".to_owned(),
                name: "POST /orders".to_owned(),
                kind: Kind::Server,
                begin_ms,
                end_ms: begin_ms + 5.0,
                queue: None,
                message: None,
                fact: None,
                attempt: 1,
                status: Some(status),
                error: None,
                links: vec![],
            })
        };
        let order = |ms: f64| Uuid::from_u128(id_at(ms).as_u128() + 7);
        let (book, mut outside) = (Book::default(), Outside::default());
        let requests = [(now, 201), (now + 1.0, 422), (now + 100.0, 200)];
        outside.take(
            requests.map(|(at, status)| request(at, status)).into(),
            &book,
        );
        assert_eq!(outside.range(), Some((id_at(now), id_at(now + 106.0))));

        let orders = vec![order(now + 3.0), order(now + 50.0)];
        let shown = outside.enter(orders.clone(), &book);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].id, orders[0]);
        assert!(outside.enter(orders, &book).is_empty(), "entered twice");
        let tick = book.tick();
        assert_eq!((tick.offered, tick.accepted, tick.refused), (2, 1, 1));
    }
}
