//! The device's side of the device flow: poll until somebody has decided.

use serde_json::Value;

use super::issue::{self, Pair};
use super::{Client, Problem, required};
use crate::feishu::Feishu;
use crate::params::Params;
use crate::world::State;
use crate::world::devices::{Device, DeviceState};
use crate::world::people::PersonId;

/// By how much the interval grows when a device polls too fast, and how far (ms).
const SLOWER_MS: i64 = 5000;
const SLOWEST_MS: i64 = 60_000;

/// One poll.
pub(super) fn poll(feishu: &Feishu, state: &mut State, client: &Client, params: &Params) -> Result<Value, Problem> {
    let code = required(params, "device_code")?;
    let now_ms = feishu.clock.now_ms();
    let device = state.devices.by_code_mut(code).ok_or(Problem::DeviceInvalid)?;
    if device.app_id != client.app.app_id {
        return Err(Problem::OtherApp);
    }
    let person = decided(device, now_ms)?;
    let app_id = device.app_id.clone();
    issue::check_person(state, person, &app_id)?;
    let scopes = issue::narrowed(state.grants.consented(&app_id, person), params)?;
    if let Some(device) = state.devices.by_code_mut(code) {
        device.state = DeviceState::Spent;
    }
    let refreshable = issue::is_offline(&scopes);
    let chain = state.tokens.begin_chain();
    Ok(issue::pair(feishu, state, Pair { app_id, person, chain, consented_ms: now_ms, scopes, refreshable }))
}

/// Who allowed it, or what the device is to do instead.
fn decided(device: &mut Device, now_ms: i64) -> Result<PersonId, Problem> {
    if device.state == DeviceState::Spent {
        return Err(Problem::DeviceInvalid);
    }
    if device.expires_ms <= now_ms {
        return Err(Problem::DeviceExpired);
    }
    let too_fast = device.polled_ms.is_some_and(|last| now_ms - last < device.interval_ms);
    device.polled_ms = Some(now_ms);
    if too_fast {
        device.interval_ms = (device.interval_ms + SLOWER_MS).min(SLOWEST_MS);
        return Err(Problem::SlowDown);
    }
    match device.state {
        DeviceState::Pending => Err(Problem::Pending),
        DeviceState::Approved(person) => Ok(person),
        DeviceState::Denied => Err(Problem::Denied),
        DeviceState::Spent => Err(Problem::DeviceInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_poll_slows_the_device_down() {
        let mut device = Device {
            app_id: String::new(),
            scopes: Vec::new(),
            expires_ms: 100_000,
            interval_ms: 5000,
            polled_ms: None,
            state: DeviceState::Pending,
        };
        assert_eq!(decided(&mut device, 0), Err(Problem::Pending));
        assert_eq!(decided(&mut device, 5000), Err(Problem::Pending));
        assert_eq!(decided(&mut device, 9999), Err(Problem::SlowDown));
        assert_eq!(decided(&mut device, 15_000), Err(Problem::SlowDown));
        assert_eq!(device.interval_ms, 15_000);
        assert_eq!(decided(&mut device, 30_000), Err(Problem::Pending));
        device.state = DeviceState::Denied;
        assert_eq!(decided(&mut device, 60_000), Err(Problem::Denied));
        assert_eq!(decided(&mut device, 100_000), Err(Problem::DeviceExpired));
    }
}
