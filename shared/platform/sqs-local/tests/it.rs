//! The server as its clients see it.
//!
//! `conformance` uses Amazon's SDK and runs against any endpoint: set `SQS_ENDPOINT_URL` to
//! ElasticMQ, LocalStack or Amazon. The other modules start their own server.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod it {
    mod clock;
    mod conformance;
    mod control;
    mod disconnect;
    mod faults;
    mod fuzz;
    mod limits;
    mod paused;
    mod program;
    mod support;
    mod wakes;
    mod wire;
}
