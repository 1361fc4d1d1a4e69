//! What went wrong, as a page.

use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::layout;
use crate::failure::Failure;
use crate::http::problem::Problem;

/// Why there is no page.
pub(super) enum Trouble {
    /// Nobody is signed in.
    SignIn,
    /// The same as programs are told.
    Problem(Problem),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        if problem.name() == "not_signed_in" { Self::SignIn } else { Self::Problem(problem) }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Problem::from(failure).into()
    }
}

impl From<FormRejection> for Trouble {
    fn from(rejection: FormRejection) -> Self {
        let name = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_long",
            _ => "malformed",
        };
        Self::Problem(Problem::new(rejection.status(), name, rejection.body_text()))
    }
}

/// What people are told first.
const fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "That is not allowed",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::CONFLICT => "It is otherwise by now",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "It was not done",
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::SignIn => return Redirect::to("/sign-in").into_response(),
            Self::Problem(problem) => problem,
        };
        let status = problem.status();
        let body = html! {
            h1 { (title(status)) }
            p { "The manager says: " (problem.detail()) "." }
            p.quiet { "Name of this problem: " code { (problem.name()) } }
            p { a href="/groups" { "All groups" } }
        };
        (status, super::html(layout::page(title(status), None, body))).into_response()
    }
}
