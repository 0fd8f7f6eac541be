//! Customers and their password hashes.
