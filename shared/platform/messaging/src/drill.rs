//! Drills: faults on request, to see what a service does about them.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use crate::Fault;
use crate::handler::layer::{HandlerCall, HandlerService};

/// The kind of a message whose handler panics, where drills are on. Elsewhere no handler knows the
/// kind, so the message goes to the dead letters.
pub const PANIC: &str = "drill-panic";

/// A layer that panics in place of the handler when one of the messages is of kind [`PANIC`].
#[derive(Clone, Copy)]
pub(crate) struct Drills;

/// The handler inside of [`Drills`].
#[derive(Clone)]
pub(crate) struct Drilled(HandlerService);

impl Layer<HandlerService> for Drills {
    type Service = Drilled;

    fn layer(&self, handler: HandlerService) -> Drilled {
        Drilled(handler)
    }
}

impl Service<HandlerCall> for Drilled {
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
