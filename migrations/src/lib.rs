//! The schema, as history.
