//! Where a card goes: `dtv1.card//TYPE.id`, several joined by `;`, each with its models.

use serde_json::Value;

use crate::dingtalk::refusal::Refusal;
use crate::dingtalk::{person, robot};
use crate::world::State;
use crate::world::people::PersonId;

const PREFIX: &str = "dtv1.card//";

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpaceType {
    Group,
    Robot,
    Single,
    OneBox,
}

impl SpaceType {
    const ALL: [Self; 4] = [Self::Group, Self::Robot, Self::Single, Self::OneBox];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Group => "IM_GROUP",
            Self::Robot => "IM_ROBOT",
            Self::Single => "IM_SINGLE",
            Self::OneBox => "ONE_BOX",
        }
    }

    /// The field that says how a card is delivered there.
    const fn model(self) -> &'static str {
        match self {
            Self::Group => "imGroupOpenDeliverModel",
            Self::Robot => "imRobotOpenDeliverModel",
            Self::Single => "imSingleOpenDeliverModel",
            Self::OneBox => "topOpenDeliverModel",
        }
    }
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) kind: SpaceType,
    pub(super) id: String,
}

/// Reads an `openSpaceId`.
pub(super) fn read(text: &str) -> Result<Vec<Space>, Refusal> {
    if text.is_empty() {
        return Err(Refusal::bad("param.openSpaceIdEmpty", "openSpaceId is empty"));
    }
    let one = |part: &str| {
        let (name, id) = part.strip_prefix(PREFIX)?.split_once('.')?;
        let kind = SpaceType::ALL.into_iter().find(|kind| kind.name() == name)?;
        (!id.is_empty()).then(|| Space { kind, id: id.to_owned() })
    };
    let spaces: Option<Vec<Space>> = text.split(';').map(one).collect();
    spaces.ok_or_else(|| Refusal::bad("param.openSpaceIdInvalid", "openSpaceId must be dtv1.card//TYPE.id"))
}

/// Refuses a request that does not say how to deliver there.
pub(super) fn check(space: &Space, body: &Value, client_id: &str) -> Result<(), Refusal> {
    let field = space.kind.model();
    let model = &body[field];
    if model.is_null() {
        return Err(Refusal::bad("param.openDeliverModelEmpty", &format!("{field} is empty")));
    }
    let wrong = |what: &str| Err(Refusal::bad("param.openDeliverModelError", &format!("{field}.{what}")));
    let robot = model["robotCode"].as_str();
    match space.kind {
        SpaceType::Group if robot != Some(client_id) => wrong("robotCode is not the app's"),
        SpaceType::Robot if model["spaceType"] != "IM_ROBOT" => wrong("spaceType must be IM_ROBOT"),
        SpaceType::Robot if robot.is_some_and(|robot| robot != client_id) => wrong("robotCode is not the app's"),
        _ => Ok(()),
    }
}

/// Who sees a card delivered there; nobody when there is no such place. `kind` says how people are named.
pub(super) fn people(state: &State, space: &Space, client_id: &str, kind: i64) -> Vec<PersonId> {
    let everybody = || state.people.iter().filter_map(|one| state.people.find(&one.open_id));
    match space.kind {
        SpaceType::Robot => person::find(state, &space.id, kind).into_iter().collect(),
        _ if space.id == robot::group_id(client_id) => everybody().collect(),
        _ => everybody().filter(|id| robot::conversation_id(client_id, *id) == space.id).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        let both = read("dtv1.card//IM_ROBOT.u1;dtv1.card//ONE_BOX.cid=.x").unwrap();
        assert_eq!(both[0], Space { kind: SpaceType::Robot, id: "u1".to_owned() });
        assert_eq!(both[1], Space { kind: SpaceType::OneBox, id: "cid=.x".to_owned() });
        for bad in ["", "u1", "dtv1.card//IM_ROBOT.", "dtv1.card//IM_robot.u1", "dtv1.card//IM_ROBOT.u1;"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
