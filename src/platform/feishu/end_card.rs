//! The faces after the end: what became of the question, and nothing to tap.

use serde_json::Value;

use super::card_parts::{Colour, card, markdown, names, permissions, under};
use crate::domain::card::{Card, EndCard};
use crate::domain::wording::{Bilingual, cards as words};

/// Draws the face with at most `shown` permissions listed; `None` for the face that asks.
pub(super) fn end_card(face: &Card, shown: usize) -> Option<Value> {
    let (colour, title, sentence, end): (_, _, fn(&Bilingual) -> Bilingual, _) = match face {
        Card::Ask(_) => return None,
        Card::Granted(end) => (Colour::Green, words::GRANTED_TITLE, words::granted, end),
        Card::Rejected(end) => (Colour::Red, words::REJECTED_TITLE, words::rejected, end),
        Card::Expired(end) => (Colour::Grey, words::EXPIRED_TITLE, words::expired, end),
        Card::Mismatched(end) => (Colour::Orange, words::MISMATCHED_TITLE, words::mismatched, end),
        Card::Failed(end) => (Colour::Carmine, words::FAILED_TITLE, words::failed, end),
        Card::Cancelled(end) => (Colour::Wathet, words::CANCELLED_TITLE, words::cancelled, end),
    };
    let mut elements = vec![markdown(&sentence(&names(&end.requesters)))];
    if matches!(face, Card::Granted(_)) {
        elements.extend(what_was_granted(end, shown));
    }
    Some(card(colour, &title, &elements))
}

fn what_was_granted(end: &EndCard, shown: usize) -> Vec<Value> {
    let granted = end.missing.missing(&end.scopes);
    [(words::GRANTED_PERMISSIONS, granted), (words::MISSING_PERMISSIONS, end.missing.clone())]
        .iter()
        .filter(|(_, scopes)| !scopes.is_empty())
        .map(|(heading, scopes)| markdown(&under(heading, &permissions(scopes, shown))))
        .collect()
}
