//! Rotate, exclude, lost: first a page that says what will be true, then the act, by the
//! handler that programs use. The form names the generation that was in use, so that one that
//! is sent twice acts once.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use maud::{Markup, html};

use super::super::keys::{Exclusion, Rotation};
use super::super::session::Operator;
use super::super::{devices, groups, keys};
use super::devices::memberships;
use super::layout::{self, span};
use super::seat::{Asked, Seat};
use super::trouble::Trouble;
use crate::http::App;
use crate::http::wire::{Json, Path};
use crate::office::view::{DeviceView, GroupView};

/// A question, and its two answers.
struct Question<'a> {
    title: &'a str,
    /// What is true then.
    then: Markup,
    /// The button that does it.
    act: &'a str,
    /// Where it is done, which is this page.
    path: String,
    /// The generation that is in use, where that matters.
    generation: Option<u64>,
    /// Where nothing is done.
    back: String,
    is_for_good: bool,
}

/// Errors: for a viewer, who is not asked either.
fn ask(seat: &Seat, question: &Question<'_>) -> Result<Html<String>, Trouble> {
    Operator::of(seat.user.clone())?;
    let class = if question.is_for_good { "main bad" } else { "main" };
    let body = html! {
        h1 { (question.title) }
        (question.then)
        form.answers method="post" action=(question.path) {
            (layout::form_token(seat))
            @if let Some(generation) = question.generation {
                input type="hidden" name="generation" value=(generation);
            }
            button class=(class) type="submit" { (question.act) }
            a.button href=(question.back) { "No, go back" }
        }
    };
    Ok(super::html(layout::page(question.title, Some(seat), body)))
}

fn in_use(group: &GroupView) -> u64 {
    let one = group.generations.iter().find(|one| one.state == "in_use");
    one.map_or(0, |one| one.generation)
}

fn group_called(group: &GroupView) -> &str {
    group.name.as_deref().unwrap_or(&group.group)
}

fn device_called(device: &DeviceView) -> &str {
    device.name.as_deref().unwrap_or(&device.device)
}

pub(super) async fn ask_rotate(
    State(app): State<Arc<App>>,
    seat: Seat,
    Path(named): Path<String>,
) -> Result<Html<String>, Trouble> {
    let Json(group) = groups::show(State(app), seat.viewer(), Path(named)).await?;
    let here = format!("/groups/{}", group.group);
    let then = html! {
        ul {
            li { "The next key begins at once." }
            li { "The one in use, generation " (in_use(&group)) ", goes on beside it for " (span(group.overlap_s)) "." }
            li { "Members that hold the next key go over by themselves; the others need a package before that time is over." }
            li { "Nobody is excluded by this." }
        }
    };
    ask(
        &seat,
        &Question {
            title: &format!("Rotate the key of group {}?", group_called(&group)),
            then,
            act: "Rotate the key",
            path: format!("{here}/rotate"),
            generation: Some(in_use(&group)),
            back: here,
            is_for_good: false,
        },
    )
}

pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Path(named): Path<String>,
    asked: Asked,
) -> Result<Redirect, Trouble> {
    let rotation = Rotation { extend: false, generation: asked.generation };
    let path = Path(named.clone());
    let Json(keys) = keys::rotate(State(app), asked.operator()?, path, Json(rotation)).await?;
    Ok(Redirect::to(&format!("/groups/{}?done=rotated", keys.group)))
}

pub(super) async fn ask_exclude(
    State(app): State<Arc<App>>,
    seat: Seat,
    Path((group, device)): Path<(String, String)>,
) -> Result<Html<String>, Trouble> {
    let Json(group) = groups::show(State(Arc::clone(&app)), seat.viewer(), Path(group)).await?;
    let Json(device) = devices::show(State(app), seat.viewer(), Path(device)).await?;
    let here = format!("/groups/{}", group.group);
    let is_member = device.groups.iter().any(|there| there.group == group.group);
    let others = group.members.saturating_sub(u64::from(is_member));
    let then = html! {
        p { "Device id " (layout::id(&device.device)) @if !is_member { ", which is no member now" } "." }
        ul {
            li { "All keys of the group end, those that it holds for later, too; a new one begins at once." }
            li { "The " (others) " other members need their packages at once: until then they do not hear who has one." }
            li { "The device does not come back into this group by itself. It stays in its other groups." }
        }
    };
    let title = format!("Exclude {} from group {}?", device_called(&device), group_called(&group));
    ask(
        &seat,
        &Question {
            title: &title,
            then,
            act: "Exclude the device",
            path: format!("{here}/exclude/{}", device.device),
            generation: Some(in_use(&group)),
            back: here,
            is_for_good: true,
        },
    )
}

pub(super) async fn exclude(
    State(app): State<Arc<App>>,
    Path((group, device)): Path<(String, String)>,
    asked: Asked,
) -> Result<Redirect, Trouble> {
    let exclusion = Exclusion { device, generation: asked.generation };
    let excluded = keys::exclude(State(app), asked.operator()?, Path(group), Json(exclusion));
    let Json(ended) = excluded.await?;
    Ok(Redirect::to(&format!("/groups/{}?done=excluded", ended.group)))
}

pub(super) async fn ask_lost(
    State(app): State<Arc<App>>,
    seat: Seat,
    Path(named): Path<String>,
) -> Result<Html<String>, Trouble> {
    let Json(device) = devices::show(State(app), seat.viewer(), Path(named)).await?;
    let here = format!("/devices/{}", device.device);
    let then = html! {
        p { "Device id " (layout::id(&device.device)) "." }
        ul {
            li { "Nothing is sealed for it any more, for good. If it is found it is erased, and enrolled as another one." }
            li { "It is excluded from all of its groups: " (memberships(&device)) "." }
            li { "Those get a new key at once, and their other members need their packages." }
        }
    };
    ask(
        &seat,
        &Question {
            title: &format!("Device {} is lost?", device_called(&device)),
            then,
            act: "It is lost",
            path: format!("{here}/lost"),
            generation: None,
            back: here,
            is_for_good: true,
        },
    )
}

pub(super) async fn lost(
    State(app): State<Arc<App>>,
    Path(named): Path<String>,
    asked: Asked,
) -> Result<Redirect, Trouble> {
    let path = Path(named.clone());
    devices::lost(State(app), asked.operator()?, path).await?;
    // It is there: it was lost just now.
    Ok(Redirect::to(&format!("/devices/{named}?done=lost")))
}
