//! The kinds of handler: in a transaction, for one message or for a batch, and without one.

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
/// The runtime opens the transaction, records the message in the inbox, calls the handler, commits,
/// and only then deletes the message from its queue. So the handler's rows, the inbox's and the
/// outbox's are there together or not at all.
///
/// Messages that were received together share one transaction. When one of them fails, it is
/// rolled back and each gets a transaction of its own, so a handler may be called again for a
/// message whose first effects never happened: it keeps no state outside of `tx`.
///
/// An async function is a handler, too: see [`handler_fn`].
pub trait Handler: Send + Sync + 'static {
    /// A [`Message`], or what the [`PlainHandler`] [before](PlainHandler::then) it returns.
    type Message: Send + 'static;

    /// Handles the message. What it pushes carries on the trace of the message.
    fn handle(
        &self,
        tx: &mut Tx,
        message: Self::Message,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Handles a batch of messages in a transaction: the state that they are about is loaded once,
/// each is decided by itself, and the state is saved once.
///
/// `load` locks all rows of the batch in one order, so two batches never wait for each other in a
/// circle, and a batch takes as many statements as one message. `decide` is a plain function: it is
/// tested without a database.
///
/// When one message of a batch fails, the transaction is rolled back, the state is dropped, and
/// each message is handled by itself, on a state of its own: a decision that fails after it changed
/// the state spoils no other.
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
///     type Event = ShelfFull;
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
    /// A [`Message`], or what the [`PlainHandler`] [before](PlainHandler::then) it returns.
    type Message: Send + Sync + 'static;
    /// What the messages of a batch are about.
    type State: Send;
    /// What a decision tells others.
    type Event: Message;

    /// Loads and locks what the messages, at least one, are about.
    fn load(
        &self,
        tx: &mut Tx,
        batch: &[Self::Message],
    ) -> impl Future<Output = Result<Self::State, Fault>> + Send;

    /// Decides one message after the other. The event that it returns is pushed and carries on the
    /// trace of the message.
    ///
    /// # Errors
    /// When this message cannot be decided, now or ever.
    fn decide(
        &self,
        state: &mut Self::State,
        message: Self::Message,
    ) -> Result<Option<Self::Event>, Fault>;

    /// Saves the state once all messages of the batch are decided.
    fn save(
        &self,
        tx: &mut Tx,
        state: Self::State,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Handles a message outside of every transaction, such as by a call to a third party: as a whole,
/// for a service without a database, or [before](PlainHandler::then) a transaction, so that no lock
/// waits for the third party.
///
/// There is no inbox around it, so it must be idempotent: it is called again on every redelivery.
/// It is called for up to [`in_flight`](crate::ConsumerOptions::in_flight) messages at once.
///
/// An async function or closure is one, too: see [`plain_fn`].
pub trait PlainHandler: Send + Sync + 'static {
    type Message: Message;
    /// What the handler after it is given; `()` without one.
    type Output: Clone + Send + Sync + 'static;

    fn handle(
        &self,
        message: Self::Message,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;

    /// This, and then a [`Handler`] or [`BatchHandler`] of its output in a transaction.
    ///
    /// ```
    /// # use messaging::{Destination, Fault, Message, Tx, handler_fn, plain_fn, PlainHandler};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Brought { parcel: i64 }
    /// # impl Message for Brought {
    /// #     const KIND: &'static str = "brought";
    /// #     fn destinations(&self) -> Vec<Destination> { vec!["parcels".into()] }
    /// # }
    /// async fn weigh(brought: Brought) -> Result<(i64, i32), Fault> {
    ///     let grams = 1_200; // Asked of the scales, which may take their time.
    ///     Ok((brought.parcel, grams))
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

/// Does with a batch what the runtime does, without an inbox: for tests of a handler.
///
/// # Errors
/// When the handler fails. Then `tx` is to be dropped.
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
