//! The three kinds of handler: one message in a transaction, a batch in a transaction, and one
//! message outside of transactions.

mod erased;
mod function;
mod into;
pub(crate) mod layer;

pub(crate) use self::erased::{Erased, Input, Prepared};
pub use self::function::{HandlerFn, PlainFn, handler_fn, plain_fn};
pub use self::into::{IntoHandler, Then, kind};
use crate::{Fault, Message, Tx};

/// Handles one message in a transaction.
///
/// The runtime begins the transaction, records the message in the inbox, calls the handler,
/// commits, and only then deletes the message from its queue. So the rows of handler, inbox and
/// outbox are written together or not at all.
///
/// Messages that were received together share one transaction. If one of them fails, the
/// transaction is rolled back, and each gets its own. So a handler may be called again for a
/// message whose first effects were rolled back: it must keep no state outside of `tx`.
///
/// [`handler_fn`] makes a handler of an async function.
pub trait Handler: Send + Sync + 'static {
    /// A [`Message`], or the output of the [`PlainHandler`] [before](PlainHandler::then) it.
    type Message: Send + 'static;

    /// Handles the message. Messages that it pushes continue the trace of the message.
    fn handle(
        &self,
        tx: &mut Tx,
        message: Self::Message,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Handles a batch of messages in a transaction: loads their state once, decides each message by
/// itself, and saves the state once.
///
/// `load` locks all rows of the batch in one order, so batches do not deadlock, and a batch takes
/// as many statements as one message. `decide` is a plain function that tests can call without a
/// database.
///
/// If one message of a batch fails, the transaction is rolled back, the state is dropped, and each
/// message is handled by itself with its own state. So a decision that fails after it changed the
/// state does not affect the others.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use messaging::{BatchHandler, Destination, Fault, Message, Tx};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Weighed { shelf: i32, grams: i32 }
/// # impl Message for Weighed {
/// #     const KIND: &'static str = "weighed";
/// #     fn destinations(&self) -> Vec<Destination> { vec!["shelves".into()] }
/// # }
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct ShelfFull { shelf: i32 }
/// # impl Message for ShelfFull {
/// #     const KIND: &'static str = "shelf-full";
/// #     fn destinations(&self) -> Vec<Destination> { vec!["alarms".into()] }
/// # }
///
/// /// Adds up the weight on each shelf.
/// struct Shelves;
///
/// impl BatchHandler for Shelves {
///     type Message = Weighed;
///     type State = BTreeMap<i32, i32>;
///     type Output = ShelfFull;
///
///     async fn load(&self, tx: &mut Tx, batch: &[Weighed]) -> Result<Self::State, Fault> {
///         let shelves: Vec<i32> = batch.iter().map(|weighed| weighed.shelf).collect();
///         let loads = "select shelf, grams from shelves where shelf = any($1)
///                      order by shelf for update";
///         let loads = sqlx::query_as(loads).bind(shelves).fetch_all(&mut **tx).await?;
///         Ok(loads.into_iter().collect())
///     }
///
///     fn decide(
///         &self,
///         loads: &mut Self::State,
///         Weighed { shelf, grams }: Weighed,
///     ) -> Result<Option<ShelfFull>, Fault> {
///         let load = loads.get_mut(&shelf).ok_or_else(|| Fault::reject("no such shelf"))?;
///         *load += grams;
///         Ok((*load > 20_000).then_some(ShelfFull { shelf }))
///     }
///
///     async fn save(&self, tx: &mut Tx, loads: Self::State) -> Result<(), Fault> {
///         let (shelves, grams): (Vec<i32>, Vec<i32>) = loads.into_iter().unzip();
///         let save = "update shelves set grams = load.grams
///                     from unnest($1::int[], $2::int[]) as load (shelf, grams)
///                     where shelves.shelf = load.shelf";
///         sqlx::query(save).bind(shelves).bind(grams).execute(&mut **tx).await?;
///         Ok(())
///     }
/// }
///
/// let mut loads = BTreeMap::from([(1, 19_000)]);
/// let full = Shelves.decide(&mut loads, Weighed { shelf: 1, grams: 2_000 });
/// assert!(full.unwrap().is_some());
/// ```
pub trait BatchHandler: Send + Sync + 'static {
    /// A [`Message`], or the output of the [`PlainHandler`] [before](PlainHandler::then) it.
    type Message: Send + Sync + 'static;
    /// The state that a batch of messages needs.
    type State: Send;
    /// The message that a decision publishes.
    type Output: Message;

    /// Loads and locks the state of the messages, of which there is at least one.
    fn load(
        &self,
        tx: &mut Tx,
        batch: &[Self::Message],
    ) -> impl Future<Output = Result<Self::State, Fault>> + Send;

    /// Decides one message. The runtime pushes the returned event, which continues the trace of the
    /// message.
    ///
    /// # Errors
    /// When this message cannot be decided now, a retry, or ever, a rejection.
    fn decide(
        &self,
        state: &mut Self::State,
        message: Self::Message,
    ) -> Result<Option<Self::Output>, Fault>;

    /// Saves the state once all messages of the batch are decided.
    fn save(
        &self,
        tx: &mut Tx,
        state: Self::State,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Handles a message outside of transactions, for example by a call to a third party. It is the
/// whole handler of a service without a database, or runs [before](PlainHandler::then) a
/// transaction, so that no lock waits for the third party.
///
/// It has no inbox, so it must be idempotent: each redelivery calls it again. It is called for up
/// to [`in_flight`](crate::ConsumerOptions::in_flight) messages concurrently.
///
/// [`plain_fn`] makes one of an async function or closure.
pub trait PlainHandler: Send + Sync + 'static {
    /// The message.
    type Message: Message;
    /// The input of the handler after it; `()` without one.
    type Output: Clone + Send + Sync + 'static;

    /// Handles the message.
    fn handle(
        &self,
        message: Self::Message,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;

    /// Adds a [`Handler`] or [`BatchHandler`] of its output, which runs afterwards in a
    /// transaction.
    ///
    /// ```
    /// # use messaging::{Destination, Fault, Message, Tx, handler_fn, plain_fn, PlainHandler};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Arrived { parcel: i64 }
    /// # impl Message for Arrived {
    /// #     const KIND: &'static str = "arrived";
    /// #     fn destinations(&self) -> Vec<Destination> { vec!["parcels".into()] }
    /// # }
    /// async fn weigh(arrived: Arrived) -> Result<(i64, i32), Fault> {
    ///     let grams = 1_200; // A call to the scales, which may take some time.
    ///     Ok((arrived.parcel, grams))
    /// }
    ///
    /// async fn record(tx: &mut Tx, (parcel, grams): (i64, i32)) -> Result<(), Fault> {
    ///     let record = sqlx::query("insert into weights (parcel, grams) values ($1, $2)");
    ///     record.bind(parcel).bind(grams).execute(&mut **tx).await?;
    ///     Ok(())
    /// }
    ///
    /// let handler = plain_fn(weigh).then(handler_fn(record));
    /// ```
    fn then<H>(self, handler: H) -> Then<Self, H>
    where
        Self: Sized,
    {
        Then {
            before: self,
            handler,
        }
    }
}

/// Handles a batch as the runtime does, but without an inbox: for tests of a handler.
///
/// # Errors
/// When the handler fails. The caller then has to drop `tx`.
pub async fn handle_batch<H: BatchHandler>(
    handler: &H,
    tx: &mut Tx,
    batch: Vec<H::Message>,
) -> Result<(), Fault> {
    let mut state = handler.load(tx, &batch).await?;
    for message in batch {
        if let Some(event) = handler.decide(&mut state, message)? {
            tx.push(&event)?;
        }
    }
    handler.save(tx, state).await
}
