//! Functions as handlers.

use std::marker::PhantomData;

use super::{Handler, PlainHandler};
use crate::{Fault, Message, Tx};

/// Makes a [`Handler`] of an async function.
///
/// ```
/// use messaging::{Fault, Tx, handler_fn};
/// # use messaging::{Destination, Message};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Arrived { parcel: i64 }
/// # impl Message for Arrived {
/// #     const KIND: &'static str = "arrived";
/// #     fn destinations(&self) -> Vec<Destination> { vec!["parcels".into()] }
/// # }
///
/// async fn shelve(tx: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
///     let shelve = sqlx::query("insert into shelf (parcel) values ($1)");
///     shelve.bind(arrived.parcel).execute(&mut **tx).await?;
///     Ok(())
/// }
///
/// let handler = handler_fn(shelve);
/// ```
pub fn handler_fn<M, F>(function: F) -> HandlerFn<M, F>
where
    F: for<'t> AsyncHandler<'t, M> + Send + Sync + 'static,
{
    HandlerFn {
        function,
        message: PhantomData,
    }
}

/// Makes a [`PlainHandler`] of an async function, or of a closure that returns a future.
///
/// ```
/// # use messaging::{Fault, plain_fn};
/// # use messaging::{Destination, Message};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Ring(u32);
/// # impl Message for Ring {
/// #     const KIND: &'static str = "ring";
/// #     fn destinations(&self) -> Vec<Destination> { vec!["bells".into()] }
/// # }
/// let bell = plain_fn(|Ring(times): Ring| async move {
///     match times {
///         0 => Err(Fault::reject("a bell is rung at least once")),
///         _ => Ok(()),
///     }
/// });
/// ```
pub fn plain_fn<M, F, Fut>(function: F) -> PlainFn<M, F>
where
    F: Fn(M) -> Fut + Send + Sync + 'static,
    Fut: Future + Send,
{
    PlainFn {
        function,
        message: PhantomData,
    }
}

/// The handler that [`handler_fn`] makes.
pub struct HandlerFn<M, F> {
    function: F,
    message: PhantomData<fn(M)>,
}

/// The handler that [`plain_fn`] makes.
pub struct PlainFn<M, F> {
    function: F,
    message: PhantomData<fn(M)>,
}

/// The functions `async fn(&mut Tx, M) -> Result<(), Fault>` with a `Send` future.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `async fn(&mut Tx, Message) -> Result<(), Fault>`",
    note = "a closure cannot return a future that borrows `tx`: make it an `async fn`, or \
            implement `Handler` on a struct"
)]
pub trait AsyncHandler<'t, M>: Fn(&'t mut Tx, M) -> Self::Handling {
    /// The future of the function.
    type Handling: Future<Output = Result<(), Fault>> + Send + 't;
}

impl<'t, M, F, Fut> AsyncHandler<'t, M> for F
where
    F: Fn(&'t mut Tx, M) -> Fut,
    Fut: Future<Output = Result<(), Fault>> + Send + 't,
{
    type Handling = Fut;
}

impl<M, F> Handler for HandlerFn<M, F>
where
    M: Send + 'static,
    F: for<'t> AsyncHandler<'t, M> + Send + Sync + 'static,
{
    type Message = M;

    async fn handle(&self, tx: &mut Tx, message: M) -> Result<(), Fault> {
        (self.function)(tx, message).await
    }
}

impl<M, F, Fut, T> PlainHandler for PlainFn<M, F>
where
    M: Message,
    F: Fn(M) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Fault>> + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    type Message = M;
    type Output = T;

    async fn handle(&self, message: M) -> Result<T, Fault> {
        (self.function)(message).await
    }
}
