//! Builds an app on DingTalk from its part of the configuration, and says what of it does not fit the platform.

use std::sync::Arc;

use super::hosts;
use crate::app::Ambient;
use crate::config::{App, Auth, CodeChoice, OrgLogin};
use crate::platform::app_token::Shelf;
use crate::platform::dingtalk::config::{self, AppKind, CardOptions, DingTalkConfig, OrgLogin as DingTalkOrgLogin};
use crate::platform::dingtalk::{self, cards, codec::Renderer, endpoint::Endpoint, protocol::DingTalkProtocol};
use crate::platform::{Platform, client};

pub(super) fn build(app: &App, auth: &Auth, ambient: &Ambient, shelf: Shelf) -> Result<Platform, String> {
    if app.code != CodeChoice::Redirect {
        return Err(
            "code must be redirect: DingTalk knows no device authorization, and its cards take no code".to_owned()
        );
    }
    if app.encrypt_key.is_some() {
        return Err("encrypt_key is of no use: DingTalk's events are taken over the long connection only".to_owned());
    }
    let config = config(app, auth)?;
    let (tls, http) = client::clients(app.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let options = config.card.clone();
    let renderer = Renderer { toast: cards::toast, card: Arc::new(move |face| cards::card(&options, face)) };
    let endpoint = Endpoint {
        base: config.open_base.clone(),
        app: app.app_id.clone(),
        secret: app.app_secret.clone(),
        http: http.clone(),
    };
    let protocol = Arc::new(DingTalkProtocol { endpoint, tls, renderer });
    let kept = (Arc::clone(&ambient.clock), shelf);
    dingtalk::platform(config, http, kept, Some(protocol)).map_err(|error| error.to_string())
}

fn config(app: &App, auth: &Auth) -> Result<DingTalkConfig, String> {
    let known = config::hosts(app.domain.as_deref()).ok_or("domain must be dingtalk.com or dingtalk.io");
    let (open_base, login_base) = hosts(app, known)?;
    let template_id = app.card_template_id.clone().or_else(|| auth.card_template_id.clone());
    Ok(DingTalkConfig {
        app_id: app.app_id.clone(),
        app_secret: app.app_secret.clone(),
        app_name: app.name.clone(),
        open_base,
        login_base,
        corp: app.tenant_key.clone(),
        org_login: org_login(app)?,
        kind: kind(app)?,
        robot_code: app.robot_code.clone().unwrap_or_else(|| app.app_id.to_string()),
        card: CardOptions {
            template_id: template_id.ok_or("card_template_id is missing: DingTalk draws cards by templates only")?,
            include_description: auth.card_include_description,
            custom_message: app.custom_message.clone(),
            privacy_url: app.privacy_url.clone(),
        },
    })
}

fn org_login(app: &App) -> Result<DingTalkOrgLogin, String> {
    match app.org_login {
        OrgLogin::Any => Ok(DingTalkOrgLogin::Any),
        OrgLogin::Managed => Ok(DingTalkOrgLogin::Managed),
        OrgLogin::Exclusive if app.tenant_key.is_some() => Ok(DingTalkOrgLogin::Exclusive),
        OrgLogin::Exclusive => Err("org_login = \"exclusive\" needs tenant_key, the organisation's corp id".to_owned()),
    }
}

fn kind(app: &App) -> Result<AppKind, String> {
    match (&app.suite_ticket, &app.tenant_key) {
        (None, _) => Ok(AppKind::InHouse),
        (Some(ticket), Some(corp)) => Ok(AppKind::ThirdParty { suite_ticket: ticket.clone(), corp: corp.clone() }),
        (Some(_), None) => Err("suite_ticket needs tenant_key, the corp id of where the app is installed".to_owned()),
    }
}
