//! All devices; one device.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};

use super::super::devices;
use super::groups::Part;
use super::layout::{self, time, wide};
use super::seat::Seat;
use super::trouble::Trouble;
use crate::http::App;
use crate::http::wire::{Json, Path, Query};
use crate::office::view::DeviceView;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    seat: Seat,
    Query(part): Query<Part>,
) -> Result<Html<String>, Trouble> {
    let Json(devices) = devices::list(State(app), seat.viewer(), part.page()).await?;
    let body = html! {
        h1 { "Devices" }
        @if devices.entries.is_empty() {
            p { "There is none" @if part.after.is_some() { " behind these" } "." }
        } @else {
            (wide("Devices", table(&devices.entries, seat.is_operator())))
        }
        (layout::parts("/devices", part.after.is_some(), devices.next.as_deref()))
    };
    Ok(super::html(layout::page("Devices", Some(&seat), body)))
}

fn called(device: &DeviceView) -> &str {
    device.name.as_deref().unwrap_or(&device.device)
}

fn table(devices: &[DeviceView], is_operator: bool) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Device" } th scope="col" { "Device id" } th scope="col" { "Standing" }
                th scope="col" { "Newest package" } th scope="col" { "Groups" } th scope="col" { "Heard (UTC)" }
                th scope="col" { "Alarms" }
                @if is_operator { th scope="col" { "Act" } }
            } }
            tbody {
                @for one in devices {
                    tr {
                        th scope="row" { a href={ "/devices/" (one.device) } { (called(one)) } }
                        td { (layout::id(&one.device)) }
                        td { (layout::standing(one.standing)) }
                        td { (layout::package(one.package, one.standing)) }
                        td { (memberships(one)) }
                        td { (time(&one.stated_at)) }
                        td { (layout::alarms(&one.alarms)) }
                        @if is_operator {
                            td {
                                @if one.standing != "lost" {
                                    a href={ "/devices/" (one.device) "/lost" } aria-label={ (called(one)) " is lost" } { "Lost\u{2026}" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The groups that it is in.
pub(super) fn memberships(device: &DeviceView) -> Markup {
    html! {
        @for (at, there) in device.groups.iter().enumerate() {
            @if at > 0 { ", " }
            a href={ "/groups/" (there.group) } { (there.name.as_deref().unwrap_or(&there.group)) }
        }
        @if device.groups.is_empty() { span.quiet { "none" } }
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    seat: Seat,
    Path(named): Path<String>,
    Query(part): Query<Part>,
) -> Result<Html<String>, Trouble> {
    let Json(device) = devices::show(State(app), seat.viewer(), Path(named)).await?;
    let is_lost = device.standing == "lost";
    let body = html! {
        h1 { "Device " (called(&device)) }
        @if part.is_done("lost") && is_lost {
            p.told.good role="status" {
                "It is lost: nothing is sealed for it any more, and its groups have new keys. Their members need packages."
            }
        }
        dl {
            dt { "Device id" } dd { (layout::id(&device.device)) }
            @if let Some(subscriber) = &device.subscriber { dt { "Subscriber" } dd { (subscriber) } }
            dt { "Standing" } dd { (layout::standing(device.standing)) }
            dt { "Groups" } dd { (memberships(&device)) }
            dt { "Newest package" } dd { (layout::package(device.package, device.standing)) }
            dt { "Sequence" } dd { (device.sequence) " applied, " (device.sequence_given) " given" }
            dt { "State" } dd { (device.state) ", " (whose(device.root)) }
            dt { "Heard (UTC)" } dd { (time(&device.stated_at)) }
            dt { "Its time (UTC)" } dd { (time(&device.floor)) }
            dt { "Alarms" } dd { (layout::alarms(&device.alarms)) }
        }
        @if device.standing == "pending" {
            p {
                "It waits for approval: type the device id that its secure console shows, "
                code { "prose-manager device approve" } "."
            }
        }
        @if seat.is_operator() && !is_lost {
            p { a.button.bad href={ "/devices/" (device.device) "/lost" } { "It is lost\u{2026}" } }
        }
    };
    let title = format!("Device {}", called(&device));
    Ok(super::html(layout::page(&title, Some(&seat), body)))
}

fn whose(root: &str) -> &'static str {
    match root {
        "this" => "this manager's",
        "other" => "another manager's",
        _ => "nobody's",
    }
}
