//! The server as its clients see it.
//!
//! `conformance` speaks through Amazon's SDK and runs against any endpoint: set
//! `SQS_ENDPOINT_URL` to ElasticMQ, LocalStack or Amazon. The others start a server of their own.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod it {
    mod clock;
    mod conformance;
    mod control;
    mod disconnect;
    mod fuzz;
    mod limits;
    mod model;
    mod paused;
    mod program;
    mod support;
    mod wakes;
    mod wire;
}
