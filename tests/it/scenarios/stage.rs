//! What a scenario needs to know of a platform. Whatever a person sees and does is the [`World`]'s.

use crate::harness::{Setup, World};

/// A platform on which scenarios are played.
pub(super) trait Stage: 'static {
    /// Its name, for the table.
    const NAME: &'static str;

    /// What a service may ask for there.
    const SCOPES: &'static [&'static str];

    /// Whether the platform has a call that ends a token.
    const ENDS_TOKENS: bool;

    /// What a world with an app of this platform is made with.
    fn setup() -> Setup;

    /// Waits until so many links were opened, in all.
    async fn links(world: &World, count: usize);

    /// Ends all links.
    async fn cut(world: &World);

    /// From now on everything that is pushed comes so many times more, over another link if there is one.
    async fn repeat(world: &World, copies: u32);

    /// Pushes an event that concerns nobody.
    async fn push(world: &World, event: &str);

    /// Waits until an event was acknowledged as taken so often.
    async fn acknowledged(world: &World, event: &str, times: usize);

    /// The person takes the consent back at the platform; returns when the next ask can find that out. Says how.
    async fn take_back(world: &World, person: &str) -> &'static str;
}

/// A world with both of its links.
pub(super) async fn world<S: Stage>(setup: Setup) -> World {
    let world = World::with(setup).await;
    S::links(&world, 2).await;
    world
}
