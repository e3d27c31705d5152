//! `getUnlimitedQRCode`: a picture that leads to a page of the mini-program. Success is the picture itself, failure is JSON: which
//! of them came is told by the content type and by the first bytes, and they have to agree.

use serde_json::json;

use super::api::{Api, is_image, limits_of_a_picture};
use super::reply::{Failure, read};
use crate::platform::client::Answer;
use crate::platform::effect::Effect;
use crate::platform::{Picture, PlatformError, ShareCode};

/// How image files begin, and what they are.
const IMAGES: [(&[u8], &str); 2] = [(b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png")];

/// Draws the picture.
pub(super) async fn share_code(api: &Api, wanted: &ShareCode<'_>) -> Result<Picture, PlatformError> {
    let mut body = json!({"scene": wanted.scene});
    if let Some(page) = wanted.page {
        body["page"] = json!(page);
    }
    if let Some(width) = wanted.width {
        body["width"] = json!(width);
    }
    let request = |url| api.http.post(url).json(&body);
    let how = (Effect::Harmless, limits_of_a_picture());
    Ok(api.as_app("/wxa/getwxacodeunlimit", request, how, picture).await?)
}

fn picture(answer: &Answer) -> Result<Picture, Failure> {
    let image = IMAGES.iter().find(|(begin, _)| answer.body.starts_with(begin));
    match image {
        Some((_, media_type)) if is_image(answer) && answer.status.is_success() => {
            Ok(Picture { media_type, bytes: answer.body.to_vec() })
        }
        // An object that says nothing of a failure is no picture either.
        _ => Err(read(answer, Effect::Harmless).err().unwrap_or_else(|| Effect::Harmless.without_answer().into())),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;
    use crate::platform::PlatformCode;

    #[test]
    fn a_picture_is_one_by_its_name_and_by_its_bytes() {
        let (unavailable, page) = (PlatformError::Unavailable, PlatformCode::from(41_030));
        for (kind, body, expected) in [
            ("image/jpeg", &b"\xff\xd8\xff\xe0rest"[..], Ok("image/jpeg")),
            ("image/jpeg", b"\x89PNG\r\n\x1a\nrest", Ok("image/png")),
            ("text/plain", b"\xff\xd8\xff\xe0rest", Err(unavailable.clone())),
            ("application/json", br#"{"errcode":41030}"#, Err(PlatformError::Rejected { code: page })),
            ("image/jpeg", br#"{"errcode":41030}"#, Err(PlatformError::Rejected { code: page })),
            ("image/jpeg", b"{}", Err(unavailable.clone())),
            ("image/jpeg", b"<html>", Err(unavailable.clone())),
            ("image/jpeg", b"", Err(unavailable.clone())),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static(kind));
            let answer = Answer { status: StatusCode::OK, headers, body: body.to_vec().into() };
            let read = picture(&answer).map(|picture| picture.media_type).map_err(|failure| failure.error);
            assert_eq!(read, expected, "{kind} {}", String::from_utf8_lossy(body));
        }
    }
}
