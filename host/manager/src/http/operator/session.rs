//! Operators sign in and out.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::Json;
use crate::office::{Role, User, is_password};
use crate::store::operator;
use crate::value::rfc3339;

/// That somebody may look: a viewer or an operator.
pub(super) struct Viewer(());

impl Viewer {
    pub(super) const fn of(_: &User) -> Self {
        Self(())
    }
}

/// Who changes.
pub(super) struct Operator(User);

impl Operator {
    /// Errors: a [`Problem`] for a viewer.
    pub(super) fn of(user: User) -> Result<Self, Problem> {
        if user.role < Role::Operator {
            let detail = "a viewer changes nothing";
            return Err(Problem::new(StatusCode::FORBIDDEN, "viewer_only", detail));
        }
        Ok(Self(user))
    }

    /// For the audit.
    pub(super) fn who(&self) -> String {
        format!("operator {}", self.0.name)
    }
}

fn token(parts: &Parts) -> Result<Zeroizing<String>, Problem> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer "));
    let none = || Problem::unauthenticated("not_signed_in", "sign in: POST /v1/session");
    token.map(|token| Zeroizing::new(token.to_owned())).ok_or_else(none)
}

/// Whose session a token is.
///
/// Errors: a [`Problem`] when it is over, or was none.
pub(super) async fn user(app: &App, token: &str) -> Result<User, Problem> {
    let mut look = app.office.look().await?;
    let user = look.user(token).await?;
    look.leave().await?;
    let over = || Problem::unauthenticated("not_signed_in", "the session is over: sign in again");
    user.ok_or_else(over)
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Ok(Self::of(&user(app, &token(parts)?).await?))
    }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Self::of(user(app, &token(parts)?).await?)
    }
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// How the operator is called.
    #[schema(max_length = 31)]
    pub(super) name: String,
    /// The account's password.
    #[schema(max_length = 256)]
    pub(super) password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionReply {
    /// For `Authorization: Bearer`.
    pub(super) token: String,
    /// When it ends.
    expires_at: String,
    /// `viewer` or `operator`.
    role: String,
}

/// Signs in.
#[utoipa::path(post, path = "/v1/session", tag = "session", security(()), request_body = SignIn,
    responses((status = 200, description = "Signed in", body = SessionReply), Problems),
)]
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Json(request): Json<SignIn>,
) -> Result<Json<SessionReply>, Problem> {
    let password = Zeroizing::new(request.password);
    let mut look = app.office.look().await?;
    let account = operator::find_account(&mut look.change, &request.name).await?;
    look.leave().await?;
    let role = account.as_ref().map(|account| account.role.clone());
    let busy =
        || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many sign in").after(1);
    let _turn = app.passwords.acquire().await.map_err(|_| busy())?;
    let checked = tokio::task::spawn_blocking(move || is_password(account.as_ref(), &password));
    let wrong =
        || Problem::unauthenticated("wrong_password", "no account has this name and password");
    let role = match (checked.await, role) {
        (Ok(true), Some(role)) => role,
        (Ok(_), _) => return Err(wrong()),
        (Err(_), _) => return Err(busy()),
    };
    let (name, lifetime_s) = (request.name, app.session_s);
    let write = app.writer.write(format!("operator {name}"), move |work| {
        Box::pin(async move { work.begin_session(&name, lifetime_s).await })
    });
    let session = write.await?;
    let (token, expires_at) = ((*session.token).clone(), rfc3339(session.expires_at));
    Ok(Json(SessionReply { token, expires_at, role }))
}

/// Signs out.
#[utoipa::path(delete, path = "/v1/session", tag = "session",
    responses((status = 204, description = "Signed out"), Problems),
)]
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    parts: Parts,
) -> Result<StatusCode, Problem> {
    let token = token(&parts)?;
    end(&app, &user(&app, &token).await?, token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session of this user.
pub(super) async fn end(app: &App, user: &User, token: Zeroizing<String>) -> Result<(), Problem> {
    let write = app.writer.write(format!("operator {}", user.name), move |work| {
        Box::pin(async move { work.end_session(&token).await })
    });
    Ok(write.await?)
}
