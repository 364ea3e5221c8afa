//! What the session does to a response: at most one `Set-Cookie`, and headers that keep caches away.

use http::{HeaderMap, Response, header};

use super::outage::{FailureResponse, status};
use crate::error::Error;
use crate::event::Event;
use crate::lifecycle::drive::Ending;
use crate::lifecycle::emit::Emission;
use crate::lifecycle::house::House;
use crate::lifecycle::visit::Visit;
use crate::policy::{ClearSiteData, Privacy};

/// Makes the response what is to leave.
pub(super) fn finish<B, R: FailureResponse<B>>(
    visit: &Visit,
    clear_site_data: Option<ClearSiteData>,
    failure: &R,
    response: &mut Response<B>,
    ending: Ending,
) {
    let Ending { emission, failed } = ending;
    if let Some(error) = &failed {
        replace(response, failure, error);
    }
    let headers = response.headers_mut();
    let sets_cookie = !matches!(emission, Emission::Nothing);
    Privacy::of(true, sets_cookie, failed.is_some() || visit.is_outage()).apply(headers);
    append(headers, emission, &visit.house, clear_site_data);
}

/// Puts another response into the place of one whose session could not be committed.
#[cold]
fn replace<B, R: FailureResponse<B>>(response: &mut Response<B>, failure: &R, error: &Error) {
    tracing::warn!(target: "carryall", %error, kind = ?error.kind(), "the session could not be committed");
    *response = failure.response(error, status(error));
    *response.status_mut() = status(error);
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
