//! A form, or a page that says that it makes no sense.

use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse as _;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The fields of a form. Where they come from was judged by the CSRF layer.
#[derive(Debug)]
pub(super) struct Fields<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Form::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(Problem::form(rejection.into_response().status())),
        }
    }
}
