//! The token in a form's body: read within limits, then handed on as it was.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, header};
use http_body::Body;
use http_body_util::BodyExt;

/// The most that is read of a body in search of a token.
pub(crate) const LARGEST_FORM: usize = 64 * 1024;
/// How long is waited for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Looks into URL-encoded forms as well; see [`CsrfLayer::replay_forms`](super::CsrfLayer::replay_forms).
#[derive(Clone, Copy, Debug, Default)]
pub struct Replay;

/// A body that can be read and made again of the same bytes. Implemented for every body that can be made from
/// [`Bytes`], such as axum's.
pub trait Replayed: Body<Data = Bytes, Error: Send> + From<Bytes> + Default + Send + Unpin + 'static {}

impl<B> Replayed for B where
    B: Body<Data = Bytes, Error: Send> + From<Bytes> + Default + Send + Unpin + 'static
{
}

/// The token in the form, and the request with the same bytes. A body that is too large, too slow, broken or not a
/// plain form holds no token.
pub(super) async fn form_token<B: Replayed>(
    request: Request<B>,
    field: &str,
) -> (Option<String>, Request<B>) {
    if !is_plain_form(request.headers()) || request.body().size_hint().lower() > LARGEST_FORM as u64 {
        return (None, request);
    }
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(PATIENCE, read(body)).await;
    let Ok(Some(bytes)) = read else { return (None, Request::from_parts(parts, B::default())) };
    let token = token_in(&bytes, field);
    (token, Request::from_parts(parts, B::from(bytes)))
}

fn is_plain_form(headers: &http::HeaderMap) -> bool {
    let is_form =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
    is_form && !headers.contains_key(header::CONTENT_ENCODING)
}

async fn read<B: Replayed>(mut body: B) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers end the body of a form; there is nothing in them for it.
        let Ok(data) = frame.ok()?.into_data() else { break };
        if bytes.len() + data.len() > LARGEST_FORM {
            return None;
        }
        bytes.extend_from_slice(&data);
    }
    Some(bytes.freeze())
}

/// The one value of the field; a repeated field is none.
pub(crate) fn token_in(form: &[u8], field: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(form).filter(|(name, _)| name == field).map(|(_, value)| value);
    let token = values.next()?;
    values.next().is_none().then(|| token.into_owned())
}
