//! `/v1/identities/{platform}/{app}`: a login code in, who that is out; and what else an app without a chat does with its people.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Json;
use super::caller::Authenticated;
use super::problem::Problem;
use crate::domain::caller::Caller;
use crate::domain::identity::{PhoneNumber, VerifiedIdentity};
use crate::domain::ids::{AppId, PlatformId, SubjectId, UnionId};
use crate::domain::secret::Secret;
use crate::login::{Login, Place, Presented, SessionState};
use crate::platform::ShareCode;

/// The longest code, in bytes.
const MAX_CODE: usize = 512;

/// The longest scene of a share code, in bytes.
const MAX_SCENE: usize = 32;

/// The longest page of a share code, in bytes.
const MAX_PAGE: usize = 1024;

/// The app that the path names, if there is one.
pub(super) struct At(Place);

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<(String, String)>, PathRejection> = Path::from_request_parts(parts, state).await;
        let Path((platform, app)) = path.map_err(|_| Problem::unknown_app())?;
        let place = PlatformId::parse(&platform).and_then(|platform| Ok(Place { platform, app: AppId::parse(&app)? }));
        place.map(Self).map_err(|_| Problem::unknown_app())
    }
}

/// The app exists and the caller may know its people.
fn check(login: &Login, caller: &Caller, place: &Place) -> Result<(), Problem> {
    if !login.knows(place) {
        return Err(Problem::unknown_app());
    }
    Ok(caller.may_identify(&place.app)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    code: Secret,
    raw_data: Option<String>,
    signature: Option<String>,
    encrypted_data: Option<String>,
    iv: Option<String>,
    phone_code: Option<Secret>,
}

/// Who a login code stands for.
pub(super) async fn identify(
    State(login): State<Login>,
    Authenticated(caller): Authenticated,
    At(place): At,
    Json(body): Json<LoginBody>,
) -> Result<Response, Problem> {
    check(&login, &caller, &place)?;
    let presented = read(body)?;
    let identity = login.identify(&place, &presented).await?;
    Ok((StatusCode::OK, axum::Json(document(&identity))).into_response())
}

fn read(body: LoginBody) -> Result<Presented, Problem> {
    check_code("code", &body.code)?;
    if let Some(code) = &body.phone_code {
        check_code("phone_code", code)?;
    }
    Ok(Presented {
        code: body.code,
        signed: both(("raw_data", body.raw_data), ("signature", body.signature))?,
        sealed: both(("encrypted_data", body.encrypted_data), ("iv", body.iv))?,
        phone_code: body.phone_code,
    })
}

fn check_code(name: &str, code: &Secret) -> Result<(), Problem> {
    let text = code.expose();
    let fits = (1..=MAX_CODE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let wrong = || Problem::invalid(format!("`{name}` must have 1 to {MAX_CODE} printable ASCII characters."));
    fits.then_some(()).ok_or_else(wrong)
}

/// Two fields that mean something only together.
fn both(
    (one, first): (&str, Option<String>),
    (other, second): (&str, Option<String>),
) -> Result<Option<(String, String)>, Problem> {
    match (first, second) {
        (Some(first), Some(second)) => Ok(Some((first, second))),
        (None, None) => Ok(None),
        _ => Err(Problem::invalid(format!("`{one}` and `{other}` go together."))),
    }
}

fn document(identity: &VerifiedIdentity) -> Value {
    let mut document = json!({
        "platform": identity.platform.as_str(),
        "app": identity.subject.app.as_str(),
        "subject": identity.subject.id.as_str(),
    });
    let phone = |phone: &PhoneNumber| {
        json!({
            "number": phone.number.expose(),
            "national": phone.national.expose(),
            "country_code": phone.country_code,
        })
    };
    let more = [
        ("union_id", identity.union.as_ref().map(|union: &UnionId| json!(union.as_str()))),
        ("profile", identity.profile.clone().map(Value::Object)),
        ("open_data", identity.open_data.clone().map(Value::Object)),
        ("phone", identity.phone.as_ref().map(phone)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            document[name] = value;
        }
    }
    document
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionBody {
    subject: String,
    #[serde(default)]
    renew: bool,
}

/// Whether the app still has a session with a person.
pub(super) async fn session(
    State(login): State<Login>,
    Authenticated(caller): Authenticated,
    At(place): At,
    Json(body): Json<SessionBody>,
) -> Result<Response, Problem> {
    check(&login, &caller, &place)?;
    let subject = SubjectId::parse(&body.subject).map_err(|error| Problem::invalid(format!("`subject` {error}.")))?;
    let live = login.session(&place, subject, body.renew).await? == SessionState::Live;
    Ok(axum::Json(json!({ "live": live })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareCodeBody {
    scene: String,
    page: Option<String>,
    width: Option<u32>,
}

/// A picture that leads to a page of the app.
pub(super) async fn share_code(
    State(login): State<Login>,
    Authenticated(caller): Authenticated,
    At(place): At,
    Json(body): Json<ShareCodeBody>,
) -> Result<Response, Problem> {
    check(&login, &caller, &place)?;
    if !(1..=MAX_SCENE).contains(&body.scene.len()) {
        return Err(Problem::invalid(format!("`scene` must have 1 to {MAX_SCENE} characters.")));
    }
    if body.page.as_ref().is_some_and(|page| page.len() > MAX_PAGE) {
        return Err(Problem::invalid(format!("`page` must have at most {MAX_PAGE} characters.")));
    }
    let wanted = ShareCode { scene: &body.scene, page: body.page.as_deref(), width: body.width };
    let picture = login.share_code(&place, &wanted).await?;
    Ok(([(CONTENT_TYPE, picture.media_type)], picture.bytes).into_response())
}
