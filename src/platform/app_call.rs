//! Calls with the app's own token: each waits for its turn under the platform's limit, and is made again when the platform
//! limits our rate all the same, or does not take the token any more. So it is only for calls that may be made again: those
//! that carry a name by which the platform knows a repetition, and those that say the same each time. Everything else is the
//! caller's to decide.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::secret::Secret;
use crate::platform::PlatformError;
use crate::platform::app_token::AppToken;
use crate::platform::pacing::Pacing;

/// How long a call may wait for its turn, all waits together.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// The shortest wait before a call is made a third time, whatever the platform says.
const SECOND_WAIT: Duration = Duration::from_secs(1);

/// What a platform's folder makes of a call that failed.
pub trait Failed: From<PlatformError> + Send {
    /// For callers outside the folder.
    fn error(&self) -> &PlatformError;

    /// Whether another token of the app may help.
    fn is_stale_app_token(&self) -> bool;
}

/// Why a call failed, where all that matters beside the error is what the platform's code means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<M> {
    /// For callers outside the folder.
    pub error: PlatformError,
    /// What the code means, where one came that the folder knows.
    pub meaning: Option<M>,
}

impl<M> From<PlatformError> for Failure<M> {
    fn from(error: PlatformError) -> Self {
        Self { error, meaning: None }
    }
}

/// Calls until the platform neither limits the rate nor refuses the app's token, or no time is left.
pub async fn call_as_app<T, F, Fut>(
    token: &AppToken,
    pacing: &Pacing,
    call: impl Fn(Secret) -> Fut + Send + Sync,
) -> Result<T, F>
where
    F: Failed,
    Fut: Future<Output = Result<T, F>> + Send,
    T: Send,
{
    let deadline = Instant::now() + LONGEST_WAIT;
    let (mut renewed, mut least_wait) = (false, Duration::ZERO);
    loop {
        // Before the turn, so that calls do not pile up behind a slow fetch and then leave all at once.
        token.get().await?;
        pacing.turn(deadline).await.map_err(|late| PlatformError::RateLimited { after: late.wait })?;
        let current = token.get().await?;
        let failure = match call(current.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        match failure.error() {
            PlatformError::RateLimited { after } => {
                // For all calls of this kind, also when this one cannot wait for so long.
                pacing.hold_off((*after).max(least_wait));
                least_wait = SECOND_WAIT;
                if Instant::now() + *after > deadline {
                    return Err(failure);
                }
            }
            _ if failure.is_stale_app_token() && !renewed => {
                renewed = true;
                token.invalidate(&current).await;
            }
            _ => return Err(failure),
        }
    }
}
