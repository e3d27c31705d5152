//! The DingTalk simulator through its doors.

mod cards;
mod chat;
mod client;
mod delivery;
mod flood;
mod golden;
mod oauth;
mod robot;
mod tickets;
mod trouble;
