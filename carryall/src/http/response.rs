//! What the session does to a response: at most one `Set-Cookie`, and headers that keep caches away.

use http::{HeaderMap, Response, header};

use super::outage::{FailureResponse, status};
use crate::error::Error;
use crate::event::Event;
use crate::lifecycle::emit::{Emission, emit};
use crate::lifecycle::house::House;
use crate::lifecycle::visit::Visit;
use crate::policy::{ClearSiteData, Privacy};

/// The response as it leaves.
pub(super) fn finish<B, R: FailureResponse<B>>(
    visit: &Visit,
    clear_site_data: Option<ClearSiteData>,
    failure: &R,
    response: Response<B>,
    committed: Result<(), Error>,
) -> Response<B> {
    let failed = committed.err();
    let (emission, failed) = match emit(visit, failed.is_some()) {
        Ok(emission) => (emission, failed),
        Err(error) => (Emission::Nothing, failed.or(Some(error))),
    };
    let mut response = match &failed {
        None => response,
        Some(error) => {
            tracing::warn!(target: "carryall", %error, kind = ?error.kind(), "the session could not be committed");
            let mut replaced = failure.response(error, status(error));
            *replaced.status_mut() = status(error);
            replaced
        }
    };
    let headers = response.headers_mut();
    let sets_cookie = !matches!(emission, Emission::Nothing);
    Privacy::of(true, sets_cookie, failed.is_some() || visit.is_outage()).apply(headers);
    append(headers, emission, &visit.house, clear_site_data);
    response
}

fn append(headers: &mut HeaderMap, emission: Emission, house: &House, clear: Option<ClearSiteData>) {
    match emission {
        Emission::Nothing => {}
        Emission::Mint { cookie, rotated } => {
            headers.append(header::SET_COOKIE, cookie);
            if let Some(handle) = rotated {
                house.tell(|| Event::KeyRotated { handle });
            }
        }
        Emission::Remove { cookie, is_logout } => {
            headers.append(header::SET_COOKIE, cookie);
            if let Some((name, what)) = clear.filter(|_| is_logout).and_then(ClearSiteData::header) {
                headers.insert(name, what);
            }
        }
    }
}
