//! Who comes signs in, and out again.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::super::session::{self, SignIn};
use super::layout;
use super::seat::{self, Asked, Own};
use super::trouble::Trouble;
use crate::http::App;
use crate::http::wire::Json;

fn form(name: &str, wrong: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Sign in" }
        @if let Some(wrong) = wrong {
            p.told.bad #wrong role="alert" { (wrong) }
        }
        form.narrow method="post" action="/sign-in" {
            label for="name" { "Name" }
            input #name name="name" value=(name) autocomplete="username" autocapitalize="none"
                spellcheck="false" required maxlength="31" autofocus[name.is_empty()]
                aria-describedby=[wrong.map(|_| "wrong")];
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password"
                required maxlength="256" autofocus[!name.is_empty()] aria-describedby=[wrong.map(|_| "wrong")];
            button.main type="submit" { "Sign in" }
        }
        p.quiet {
            "Accounts are made on the manager's own machine: " code { "prose-manager operator add NAME" } "."
        }
    };
    layout::page("Sign in", None, body)
}

pub(super) async fn ask() -> Html<String> {
    super::html(form("", None))
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    _: Own,
    fields: Result<Form<SignIn>, FormRejection>,
) -> Result<Response, Trouble> {
    let Form(fields) = fields?;
    let name = fields.name.clone();
    match session::sign_in(State(app), Json(fields)).await {
        Ok(Json(begun)) => {
            let cookie = [(header::SET_COOKIE, seat::cookie(&begun.token))];
            Ok((cookie, Redirect::to("/groups")).into_response())
        }
        Err(problem) if problem.name() == "wrong_password" => {
            let page = form(&name, Some("No account has this name and password."));
            Ok((StatusCode::UNAUTHORIZED, super::html(page)).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    asked: Asked,
) -> Result<Response, Trouble> {
    let (user, token) = asked.session();
    session::end(&app, &user, token).await?;
    let cookie = [(header::SET_COOKIE, seat::no_cookie())];
    Ok((cookie, Redirect::to("/sign-in")).into_response())
}
