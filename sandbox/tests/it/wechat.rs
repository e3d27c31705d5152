//! The WeChat simulator through its doors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardkey_sandbox::wechat::crypt;
use cardkey_sandbox::{ALICE, BOB, WECHAT_APP_ID, WECHAT_APP_SECRET};
use serde_json::{Value, json};

use crate::bench::Bench;

impl Bench {
    async fn wx_control(&self, path: &str, body: &Value) -> Value {
        self.control(&format!("/wechat/control{path}"), body).await
    }

    async fn wx_code(&self, person: &str) -> String {
        self.wx_control("/login", &json!({"open_id": person})).await["code"].as_str().unwrap().to_owned()
    }

    /// A GET with these parameters; the status is 200 whatever is answered, and the content is called plain text.
    async fn wx_get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let answer = self.http.get(self.url(path)).query(query).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, "text/plain"));
        answer.json().await.unwrap()
    }

    async fn wx_post(&self, path: &str, body: &Value) -> Value {
        self.http.post(self.url(path)).json(body).send().await.unwrap().json().await.unwrap()
    }

    async fn wx_session(&self, code: &str) -> Value {
        self.wx_get("/sns/jscode2session", &query(code)).await
    }

    async fn wx_token(&self, forced: bool) -> String {
        let body = json!({"grant_type": "client_credential", "appid": WECHAT_APP_ID, "secret": WECHAT_APP_SECRET,
            "force_refresh": forced});
        let answer = self.wx_post("/cgi-bin/stable_token", &body).await;
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Whether a token is taken: by a call that would fail otherwise for want of a session.
    async fn wx_errcode(&self, token: &str) -> i64 {
        let query = [("access_token", token), ("sig_method", "hmac_sha256"), ("openid", "x"), ("signature", "x")];
        self.wx_get("/wxa/checksession", &query).await["errcode"].as_i64().unwrap()
    }
}

fn query(code: &str) -> [(&'static str, &str); 4] {
    [("appid", WECHAT_APP_ID), ("secret", WECHAT_APP_SECRET), ("js_code", code), ("grant_type", "authorization_code")]
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[tokio::test]
async fn a_code_works_once_and_for_five_minutes() {
    let bench = Bench::new().await;
    let code = bench.wx_code(ALICE).await;
    let session = bench.wx_session(&code).await;
    assert_eq!((text(&session, "openid").len(), text(&session, "unionid").len()), (28, 28));
    assert_eq!(STANDARD.decode(text(&session, "session_key")).unwrap().len(), 16);
    assert!(session.get("errcode").is_none(), "there is none where it worked");
    let used = bench.wx_session(&code).await;
    assert_eq!(used["errcode"], 40_163);
    assert!(text(&used, "errmsg").contains(" rid: "), "messages end in an id");
    let late = bench.wx_code(ALICE).await;
    bench.wx_control("/clock", &json!({"advance_ms": 300_000})).await;
    assert_eq!(bench.wx_session(&late).await["errcode"], 40_029);
    let again = bench.wx_session(&bench.wx_code(ALICE).await).await;
    assert_eq!(again["openid"], session["openid"]);
    assert_ne!(again["session_key"], session["session_key"]);
}

#[tokio::test]
async fn what_is_missing_or_wrong_has_its_code_and_spends_nothing() {
    let bench = Bench::new().await;
    let code = bench.wx_code(ALICE).await;
    for (name, value, errcode) in [
        ("appid", "", 41_002),
        ("secret", "", 41_004),
        ("js_code", "", 41_008),
        ("grant_type", "client_credential", 40_002),
        ("appid", "wx0", 40_013),
        ("secret", "x", 40_125),
        ("js_code", "x", 40_029),
    ] {
        let changed = query(&code).map(|(key, old)| (key, if key == name { value } else { old }));
        assert_eq!(bench.wx_get("/sns/jscode2session", &changed).await["errcode"], errcode, "{name}={value}");
    }
    let by_body = json!({"appid": WECHAT_APP_ID, "secret": WECHAT_APP_SECRET, "js_code": code});
    assert_eq!(bench.wx_post("/sns/jscode2session", &by_body).await["errcode"], 41_002, "only the query is read");
    assert_eq!(bench.wx_get("/sns/jsCode2Session", &query(&code)).await["errcode"], 40_066, "letter by letter");
    bench.wx_control("/people", &json!({"open_id": ALICE, "available": false})).await;
    assert_eq!(bench.wx_session(&code).await["errcode"], 40_226);
    bench.wx_control("/people", &json!({"open_id": ALICE, "available": true})).await;
    assert!(bench.wx_session(&code).await.get("errcode").is_none(), "the code was left as it was");
}

#[tokio::test]
async fn a_person_logs_in_a_hundred_times_a_minute() {
    let bench = Bench::new().await;
    for _ in 0..100 {
        assert!(bench.wx_session(&bench.wx_code(ALICE).await).await.get("errcode").is_none());
    }
    let code = bench.wx_code(ALICE).await;
    assert_eq!(bench.wx_session(&code).await["errcode"], 45_011);
    assert!(bench.wx_session(&bench.wx_code(BOB).await).await.get("errcode").is_none());
    bench.wx_control("/clock", &json!({"advance_ms": 60_000})).await;
    assert!(bench.wx_session(&code).await.get("errcode").is_none());
}

#[tokio::test]
async fn open_data_are_made_with_the_session_key_of_the_moment() {
    let bench = Bench::new().await;
    let asked = json!({"open_id": ALICE});
    let without = bench.http.post(bench.url("/wechat/control/user_info")).json(&asked).send().await.unwrap();
    assert_eq!(without.status(), 404, "there is no session yet");
    let session = bench.wx_session(&bench.wx_code(ALICE).await).await;
    let given = bench.wx_control("/user_info", &asked).await;
    let key = text(&session, "session_key");
    assert_eq!(crypt::signature(text(&given, "raw_data"), key), text(&given, "signature"));
    assert_eq!(STANDARD.decode(text(&given, "encrypted_data")).unwrap().len() % 16, 0);
    assert_eq!(STANDARD.decode(text(&given, "iv")).unwrap().len(), 16);
    bench.wx_session(&bench.wx_code(ALICE).await).await;
    let after = bench.wx_control("/user_info", &asked).await;
    assert_ne!(crypt::signature(text(&after, "raw_data"), key), text(&after, "signature"), "the key was replaced");
}

#[tokio::test]
async fn a_session_key_is_proven_by_its_text() {
    let bench = Bench::new().await;
    let session = bench.wx_session(&bench.wx_code(ALICE).await).await;
    let (token, openid, key) = (bench.wx_token(false).await, text(&session, "openid"), text(&session, "session_key"));
    let proof = crypt::proof(key, "");
    let query = |signature, method| {
        [("access_token", token.as_str()), ("openid", openid), ("signature", signature), ("sig_method", method)]
    };
    let right = query(&proof, "hmac_sha256");
    assert_eq!(bench.wx_get("/wxa/checksession", &right).await["errcode"], 0);
    assert_eq!(bench.wx_get("/wxa/checksession", &query(&proof, "md5")).await["errcode"], 87_008);
    assert_eq!(bench.wx_get("/wxa/checksession", &query("x", "hmac_sha256")).await["errcode"], 87_009);
    let renewed = bench.wx_get("/wxa/resetusersessionkey", &right).await;
    assert_eq!((&renewed["errcode"], &renewed["openid"]), (&json!(0), &session["openid"]));
    assert_eq!(bench.wx_get("/wxa/checksession", &right).await["errcode"], 87_009, "the old one is dead");
    let new = crypt::proof(text(&renewed, "session_key"), "");
    assert_eq!(bench.wx_get("/wxa/checksession", &query(&new, "hmac_sha256")).await["errcode"], 0);
}

#[tokio::test]
async fn a_stable_token_stays_and_a_plain_one_drives_out_the_one_before() {
    let bench = Bench::new().await;
    let stable = bench.wx_token(false).await;
    assert_eq!(bench.wx_token(false).await, stable);
    let plain = async || {
        let query = [("grant_type", "client_credential"), ("appid", WECHAT_APP_ID), ("secret", WECHAT_APP_SECRET)];
        text(&bench.wx_get("/cgi-bin/token", &query).await, "access_token").to_owned()
    };
    let (first, second) = (plain().await, plain().await);
    assert_ne!(first, second);
    for token in [&stable, &first, &second] {
        assert_eq!(bench.wx_errcode(token).await, 87_009, "alive");
    }
    bench.wx_control("/clock", &json!({"advance_ms": 300_000})).await;
    assert_eq!(bench.wx_errcode(&first).await, 42_001, "five minutes after it was replaced");
    assert_eq!(bench.wx_errcode(&second).await, 87_009);
    let forced = bench.wx_token(true).await;
    assert_ne!(forced, stable);
    assert_ne!(bench.wx_errcode(&stable).await, 87_009, "forced, the old one dies at once");
    assert_eq!(bench.wx_token(true).await, forced, "and half a minute nothing more is forced");
    bench.wx_control("/clock", &json!({"advance_ms": 6_900_000})).await;
    let next = bench.wx_token(false).await;
    assert_ne!(next, forced, "in its last five minutes there is another one");
    assert_eq!(bench.wx_errcode(&forced).await, 87_009, "beside which it lives on");
    assert_eq!(bench.wx_errcode("x").await, 40_001);
}

#[tokio::test]
async fn token_calls_are_for_addresses_on_the_list() {
    let bench = Bench::new().await;
    bench.wx_control("/address", &json!({"refused": true})).await;
    let body = json!({"grant_type": "client_credential", "appid": WECHAT_APP_ID, "secret": WECHAT_APP_SECRET});
    let refused = bench.wx_post("/cgi-bin/stable_token", &body).await;
    assert_eq!(refused["errcode"], 40_164);
    assert!(text(&refused, "errmsg").contains("not in whitelist"));
    assert_eq!(bench.wx_get("/cgi-bin/stable_token", &[]).await["errcode"], 43_002);
}

#[tokio::test]
async fn a_phone_number_has_a_code_of_its_own() {
    let bench = Bench::new().await;
    let path = format!("/wxa/business/getuserphonenumber?access_token={}", bench.wx_token(false).await);
    let code = bench.wx_control("/phone_code", &json!({"open_id": ALICE})).await["code"].clone();
    let login = bench.wx_code(ALICE).await;
    assert_eq!(bench.wx_post(&path, &json!({"code": login})).await["errcode"], 40_029, "a login code is another one");
    assert_eq!(bench.wx_session(code.as_str().unwrap()).await["errcode"], 40_029, "and the other way round");
    let answer = bench.wx_post(&path, &json!({"code": code})).await;
    let info = &answer["phone_info"];
    assert_eq!(text(info, "phoneNumber"), format!("+86{}", text(info, "purePhoneNumber")));
    assert_eq!(info["watermark"]["appid"], WECHAT_APP_ID);
    assert_eq!(bench.wx_post(&path, &json!({"code": code})).await["errcode"], 40_163);
}

#[tokio::test]
async fn a_share_code_is_an_image_and_a_refusal_is_not() {
    let bench = Bench::new().await;
    let url = bench.url(&format!("/wxa/getwxacodeunlimit?access_token={}", bench.wx_token(false).await));
    let draw = async |body: Value| bench.http.post(&url).json(&body).send().await.unwrap();
    let image = draw(json!({"scene": "a=1"})).await;
    assert_eq!(image.headers()["content-type"], "image/jpeg");
    let bytes = image.bytes().await.unwrap();
    assert_eq!((&bytes[..3], &bytes[bytes.len() - 2..]), (&b"\xff\xd8\xff"[..], &b"\xff\xd9"[..]));
    assert_eq!(draw(json!({"scene": "a=1"})).await.bytes().await.unwrap(), bytes, "the same picture again");
    assert_ne!(draw(json!({"scene": "a=2"})).await.bytes().await.unwrap(), bytes);
    for (body, errcode) in [
        (json!({}), 40_097),
        (json!({"scene": "a b"}), 40_129),
        (json!({"scene": "a".repeat(33)}), 40_169),
        (json!({"scene": "a", "page": "/pages/index/index"}), 41_030),
        (json!({"scene": "a", "page": "pages/none"}), 41_030),
        (json!({"scene": "a", "width": 279}), 40_189),
    ] {
        let refused = draw(body.clone()).await;
        assert_eq!(refused.headers()["content-type"], "text/plain", "{body}");
        assert_eq!(refused.json::<Value>().await.unwrap()["errcode"], errcode, "{body}");
    }
    let unchecked = draw(json!({"scene": "a", "page": "pages/none", "check_path": false})).await;
    assert_eq!(unchecked.headers()["content-type"], "image/jpeg");
}

#[tokio::test]
async fn the_page_and_its_service_meet_at_the_desk() {
    let bench = Bench::new().await;
    let page = bench.http.get(bench.url("/wechat")).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    assert_eq!(bench.look("/wechat/api/state").await["people"][0]["open_id"], ALICE);
    let laid = bench.control("/wechat/api/login", &json!({"open_id": ALICE, "phone_number": true})).await;
    let taken = bench.look("/wechat/control/logins?wait=5").await;
    assert_eq!((&taken["id"], &taken["code"], &taken["app_id"]), (&laid["id"], &laid["code"], &json!(WECHAT_APP_ID)));
    assert!(taken["phone_code"].is_string() && taken.get("encrypted_data").is_none(), "no session, no profile");
    let nothing = bench.http.get(bench.url("/wechat/control/logins")).send().await.unwrap();
    assert_eq!(nothing.status(), 204, "it was taken");
    let (path, id) = (format!("/wechat/api/login/{}", laid["id"]), &laid["id"]);
    assert_eq!(bench.http.get(bench.url(&path)).send().await.unwrap().status(), 204, "not answered yet");
    let answer = json!({"status": 200, "body": {"subject": "o1"}});
    bench.wx_control(&format!("/logins/{id}"), &answer).await;
    assert_eq!(bench.look(&format!("{path}?wait=5")).await, answer);
}

#[tokio::test]
async fn secrets_are_known_and_the_log_holds_their_fingerprints_only() {
    let bench = Bench::new().await;
    let code = bench.wx_code(ALICE).await;
    let session = bench.wx_session(&code).await;
    let (key, token) = (text(&session, "session_key").to_owned(), bench.wx_token(false).await);
    let secrets = bench.sandbox.secrets();
    let log = bench.look("/wechat/control/log").await.to_string();
    for secret in [&code, &key, &token, &WECHAT_APP_SECRET.to_owned()] {
        assert!(secrets.contains(secret) && !log.contains(secret.as_str()));
    }
    assert!(log.contains(&cardkey_sandbox::fingerprint(&code)) && log.contains("code_to_session"));
}
