//! The page that a redirect lands on when people paste the code themselves. It is static: the code in its address is
//! read by the page's own script, never by us, and is taken out of the address bar at once.

use axum::response::Response;

use super::language::Reader;
use super::pages;

pub(super) async fn show(Reader(language): Reader) -> Response {
    pages::code(language)
}
