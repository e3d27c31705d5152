//! A39 to A42: odd answers that are kept, as what they are.

use serde_json::json;

use super::*;

const BOTH: &[&str] = &["apaas:app:read", "apaas:workspace:read"];

#[tokio::test]
async fn a39_without_a_refresh_token_it_is_access_only() {
    let world = World::new().await;
    let mut answer = pair();
    answer.as_object_mut().unwrap().retain(|name, _| !name.starts_with("refresh"));
    world.names_alice().await;
    let (_, page) = world.consents(READ, &body(&answer.to_string())).await;
    assert_eq!(page.mood(), "good", "A39: {}", page.reply.text);
    let grants = world.grants().await;
    assert_eq!((grants.len(), &grants[0]["refreshable"]), (1, &json!(false)), "A39: kept and flagged");
    assert_eq!(world.ask(READ).await.json()["access_token"], ACCESS, "A39");

    world.advance(std::time::Duration::from_secs(7_300)).await;
    assert_eq!(world.ask(READ).await.status, 202, "A39: once it is over the person is asked, not the platform");
    assert_eq!(world.calls("oauth_token").await, 1, "A39");
    world.end().await;
}

#[tokio::test]
async fn a40_what_was_granted_is_kept_and_what_was_not_is_said() {
    let world = World::new().await;
    world.names_alice().await;
    let (reply, ()) = tokio::join!(
        async {
            let request = world.http.post(world.url("/v1/tokens")).bearer_auth(&world.key).header("prefer", "wait=30");
            world.send(request.json(&World::body(ALICE, BOTH, &json!({})))).await
        },
        async {
            let card = world.card_turns(ALICE, "blue").await;
            world.token_endpoint(&body(&pair().to_string()));
            let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
            assert_eq!(page.mood(), "good", "A40: {}", page.reply.text);
            assert!(page.reply.text.contains("apaas:workspace:read"), "A40: the page names it: {}", page.reply.text);
        }
    );
    assert_eq!((reply.status, reply.problem().as_str()), (403, "insufficient-scope"), "A40: {}", reply.text);
    assert_eq!(reply.json()["missing_scopes"], json!(["apaas:workspace:read"]), "A40");
    let session = reply.json()["auth_session_id"].as_str().unwrap().to_owned();
    assert_eq!(world.ended(&session).await["missing_scopes"], json!(["apaas:workspace:read"]), "A40");
    let card = world.card_turns(ALICE, "green").await;
    assert!(card.to_string().contains("apaas&#58;workspace&#58;read"), "A40: the card names it: {card}");

    let granted = world.ask(READ).await;
    assert_eq!((granted.status, &granted.json()["access_token"]), (200, &json!(ACCESS)), "A40: the rest can be used");
    assert_eq!(world.ask(BOTH).await.status, 202, "A40: the missing one can be asked for again");
    world.end().await;
}

#[tokio::test]
async fn a41_more_than_was_asked_is_kept_with_a_warning() {
    let world = World::new().await;
    let scope = json!("apaas:app:read apaas:workspace:read contact:user.email:readonly offline_access");
    world.names_alice().await;
    let (session, page) = world.consents(READ, &body(&pair_with("scope", scope).to_string())).await;
    assert_eq!(page.mood(), "good", "A41: {}", page.reply.text);
    let scopes = &world.grants().await[0]["scopes"];
    assert_eq!(scopes.as_array().unwrap().len(), 4, "A41: {scopes}");
    assert_eq!(world.audited(&session), 3, "A41: opened, more than asked, completed");
    assert_eq!(world.ask(BOTH).await.status, 200, "A41: what the platform granted can be asked for");
    world.end().await;
}

#[tokio::test]
async fn a42_a_life_that_is_not_told_or_is_a_text() {
    let world = World::new().await;
    let mut silent = pair();
    silent.as_object_mut().unwrap().remove("expires_in");
    let rows = [("A42 absent", silent, 7_200), ("A42 digits in a text", pair_with("expires_in", json!("600")), 600)];
    for (row, answer, life) in rows {
        world.names_alice().await;
        let (_, page) = world.consents(READ, &body(&answer.to_string())).await;
        assert_eq!(page.mood(), "good", "{row}: {}", page.reply.text);
        let left = world.ask(READ).await.json()["expires_in"].as_u64().unwrap();
        assert!((life - 60..=life).contains(&left), "{row}: {left}");
        let id = world.grants().await[0]["id"].as_str().unwrap().to_owned();
        let delete = world.http.delete(world.url(&format!("/v1/grants/{id}"))).bearer_auth(&world.key);
        assert_eq!(world.send(delete).await.status, 204, "{row}");
    }
    world.end().await;
}
