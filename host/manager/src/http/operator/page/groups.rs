//! All groups; one group, its keys and its members.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::overview::{AlarmView, StatusView};
use super::super::{Page, groups, members, overview};
use super::layout::{self, span, time, wide};
use super::seat::Seat;
use super::timeline;
use super::trouble::Trouble;
use crate::http::App;
use crate::http::wire::{Json, Path, Query};
use crate::office::view::{GroupView, MemberView};

/// What a page is asked with.
#[derive(Deserialize)]
pub(super) struct Part {
    /// Where the part of the list begins.
    pub(super) after: Option<String>,
    /// What was done on the page before.
    done: Option<String>,
}

impl Part {
    pub(super) fn page(&self) -> Query<Page> {
        Query(Page { after: self.after.clone(), limit: None })
    }

    pub(super) fn is_done(&self, what: &str) -> bool {
        self.done.as_deref() == Some(what)
    }
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    seat: Seat,
    Query(part): Query<Part>,
) -> Result<Html<String>, Trouble> {
    let Json(groups) = groups::list(State(Arc::clone(&app)), seat.viewer()).await?;
    let Json(status) = overview::status(State(Arc::clone(&app)), seat.viewer()).await?;
    let Json(alarmed) = overview::alarms(State(app), seat.viewer(), part.page()).await?;
    let body = html! {
        h1 { "Groups" }
        (stands(&status))
        (alarms(&alarmed.entries, part.after.is_some(), alarmed.next.as_deref()))
        h2 { "All groups" }
        @if groups.entries.is_empty() {
            p { "There is none yet: " code { "prose-manager group add HEX --name NAME" } " makes one." }
        } @else {
            (wide("All groups", html! {
                table {
                    thead { tr {
                        th scope="col" { "Group" } th scope="col" { "Id" } th.number scope="col" { "Members" }
                        th scope="col" { "Protection" } th scope="col" { "Key in use" }
                        th scope="col" { "Ends (UTC)" } th scope="col" { "To do" }
                    } }
                    tbody { @for group in &groups.entries { (row(group)) } }
                }
            }))
        }
    };
    Ok(super::html(layout::page("Groups", Some(&seat), body)))
}

/// What an operator should know first.
fn stands(status: &StatusView) -> Markup {
    html! {
        @if let Some(refused) = status.clock_refused {
            p.told.bad role="alert" {
                "Nothing is signed: this machine's clock says " (time(&status.clock)) " UTC, and that cannot be believed ("
                code { (refused) } "). Compare it with another clock: the runbook says what to do."
            }
        }
        p {
            "Devices: " (status.approved) " approved, " (status.pending) " waiting for approval, " (status.lost)
            " lost. " a href="/devices" { "All devices" }
        }
    }
}

fn alarms(entries: &[AlarmView], is_later: bool, next: Option<&str>) -> Markup {
    html! {
        h2 { "Alarms" }
        @if entries.is_empty() { p { "None." } } @else {
            ul.alarms {
                @for one in entries {
                    li {
                        a href={ "/devices/" (one.device) } { (one.name.as_deref().unwrap_or(&one.device)) }
                        ": " (layout::alarms(&one.alarms))
                    }
                }
            }
            (layout::parts("/groups", is_later, next))
        }
    }
}

fn called(group: &GroupView) -> &str {
    group.name.as_deref().unwrap_or(&group.group)
}

fn row(group: &GroupView) -> Markup {
    let in_use = group.generations.iter().find(|one| one.state == "in_use");
    html! {
        tr {
            th scope="row" { a href={ "/groups/" (group.group) } { (called(group)) } }
            td { code { (group.group) } }
            td.number { (group.members) }
            td { (group.profile) ", " (group.suite) }
            td { @match in_use { Some(one) => (one.generation), None => span.mark.bad { "none" } } }
            td { @if let Some(one) = in_use { (time(&one.not_after)) } }
            td { @match to_do(group) { Some(mark) => (mark), None => span.quiet { "nothing" } } }
        }
    }
}

/// What the group's keys need.
fn to_do(group: &GroupView) -> Option<Markup> {
    if group.replacement_due {
        // The runbook, A backup was put back: that is done there, in its order.
        Some(
            html! { span.mark.bad { "replace its keys (key replace): a lost time may have given some" } },
        )
    } else if group.extension_due {
        Some(html! { span.mark.late { "rotate: further keys are due" } })
    } else {
        None
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    seat: Seat,
    Path(named): Path<String>,
    Query(part): Query<Part>,
) -> Result<Html<String>, Trouble> {
    let path = || Path(named.clone());
    let Json(group) = groups::show(State(Arc::clone(&app)), seat.viewer(), path()).await?;
    let members = members::list(State(Arc::clone(&app)), seat.viewer(), path(), part.page());
    let Json(members) = members.await?;
    let now = app.office.now();
    let here = format!("/groups/{}", group.group);
    let done = part.done.as_deref().and_then(done);
    let body = html! {
        h1 { "Group " (called(&group)) }
        @if let Some(done) = done { p.told.good role="status" { (done) } }
        (facts(&group))
        h2 { "Keys" }
        @if let Some(mark) = to_do(&group) { p { (mark) } }
        (wide("Keys along the time", timeline::picture(&group.generations, now)))
        (keys(&group))
        @if seat.is_operator() {
            p { a.button href={ (here) "/rotate" } { "Rotate the key\u{2026}" } }
        }
        h2 { "Members" }
        @if members.entries.is_empty() {
            p { "Nobody is in this group" @if part.after.is_some() { " behind these" } "." }
        } @else {
            (wide("Members", table(&here, &members.entries, seat.is_operator())))
        }
        (layout::parts(&here, part.after.is_some(), members.next.as_deref()))
    };
    let title = match done {
        Some(_) => format!("Done: group {}", called(&group)),
        None => format!("Group {}", called(&group)),
    };
    Ok(super::html(layout::page(&title, Some(&seat), body)))
}

/// What was done on the page before, as this page was told.
fn done(name: &str) -> Option<&'static str> {
    match name {
        "rotated" => Some(
            "The next key has begun. Members that hold it go over by themselves; the others need a package.",
        ),
        "excluded" => Some(
            "The device is out: all keys before are ended. Every other member needs its package at once.",
        ),
        _ => None,
    }
}

fn facts(group: &GroupView) -> Markup {
    html! {
        dl {
            dt { "Layer-2 id" } dd { code { (group.group) } }
            dt { "Members" } dd { (group.members) }
            dt { "Derivation and protection" } dd { (group.profile) ", " (group.suite) }
            dt { "A key is the newest for" }
            dd { (span(group.lifetime_s)) ", then beside the next for " (span(group.overlap_s)) ", " (group.ahead) " ahead" }
            dt { "Who may join by network" }
            dd { @if group.joining == "approved" { "every approved device" } @else { "listed subscribers" } }
            dt { "Ended" }
            dd { @if group.next > 1 { "all below generation " (group.next) } @else { "nothing yet" } }
        }
    }
}

fn keys(group: &GroupView) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Generation" } th scope="col" { "PGK Id" } th scope="col" { "State" }
                th scope="col" { "From (UTC)" } th scope="col" { "To (UTC)" }
            } }
            tbody {
                @for one in &group.generations {
                    tr {
                        th scope="row" { (one.generation) }
                        td { code { (one.pgk_id) } }
                        td { (one.state.replace('_', " ")) }
                        td { (time(&one.not_before)) }
                        td { (time(&one.not_after)) }
                    }
                }
            }
        }
    };
    wide("Keys", table)
}

fn table(here: &str, members: &[MemberView], is_operator: bool) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Device" } th scope="col" { "Member id" } th scope="col" { "May send" }
                th scope="col" { "Newest package" } th.number scope="col" { "Applied" }
                th.number scope="col" { "Given" } th scope="col" { "Heard (UTC)" } th scope="col" { "Alarms" }
                @if is_operator { th scope="col" { "Act" } }
            } }
            tbody {
                @for one in members {
                    @let called = one.name.as_deref().unwrap_or(&one.device);
                    tr {
                        th scope="row" { a href={ "/devices/" (one.device) } { (called) } }
                        td { code { (one.member) } }
                        td { @if one.may_send { "yes" } @else { "no" } }
                        td { (layout::package(one.package, one.standing)) }
                        td.number { (one.sequence) }
                        td.number { (one.sequence_given) }
                        td { (time(&one.stated_at)) }
                        td { (layout::alarms(&one.alarms)) }
                        @if is_operator {
                            td {
                                a href={ (here) "/exclude/" (one.device) } aria-label={ "Exclude " (called) } { "Exclude\u{2026}" }
                            }
                        }
                    }
                }
            }
        }
    }
}
