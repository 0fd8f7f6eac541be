//! Drills: faults and changes on request, to see what services do about them.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use crate::Fault;
use crate::handler::layer::{HandlerCall, HandlerService};

/// The kind of a message whose handler panics in the drill [`Drill::Panic`]. Elsewhere no handler
/// knows the kind, so the message goes to the dead letters.
pub const PANIC: &str = "drill-panic";

/// The field that [`Drill::NewField`] adds to messages.
pub const NEW_FIELD: &str = "drill_new_field";

/// A fault or a change of a service on request.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Drill {
    /// The service works as it should.
    #[default]
    Off,
    /// A message of the kind [`PANIC`] makes its handler panic.
    Panic,
    /// Every message that the service sends has one more field, [`NEW_FIELD`]. So does a new
    /// version whose readers are still old.
    NewField,
}

/// Adds [`NEW_FIELD`] to a body that is a JSON object.
pub(crate) fn add_field(body: &mut String) {
    if let Some(fields) = body.strip_prefix('{') {
        let comma = if fields == "}" { "" } else { "," };
        *body = format!("{{\"{NEW_FIELD}\":true{comma}{fields}");
    }
}

/// A layer that panics in place of the handler when one of the messages is of kind [`PANIC`].
#[derive(Clone, Copy)]
pub(crate) struct Panics;

/// The handler inside of [`Panics`].
#[derive(Clone)]
pub(crate) struct Panicking(HandlerService);

impl Layer<HandlerService> for Panics {
    type Service = Panicking;

    fn layer(&self, handler: HandlerService) -> Panicking {
        Panicking(handler)
    }
}

impl Service<HandlerCall> for Panicking {
    type Response = ();
    type Error = Fault;
    type Future = BoxFuture<'static, Result<(), Fault>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, call: HandlerCall) -> Self::Future {
        if call.messages().any(|message| message.kind() == Some(PANIC)) {
            return async { panic!("a drill") }.boxed();
        }
        self.0.call(call).boxed()
    }
}
