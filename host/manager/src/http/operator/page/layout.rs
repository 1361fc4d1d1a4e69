//! What all pages have: the head, the ways to the others, who is signed in; and the small
//! parts that several show alike.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::seat::Seat;
use crate::value;

/// A whole page.
pub(super) fn page(title: &str, seat: Option<&Seat>, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " \u{2013} ProSeal manager" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
            }
            body {
                a.skip href="#main" { "To the content" }
                header {
                    div.bar {
                        p.brand { "ProSeal manager" }
                        @if let Some(seat) = seat { (ways(title, seat)) }
                    }
                }
                main #main tabindex="-1" { (body) }
            }
        }
    }
}

fn ways(title: &str, seat: &Seat) -> Markup {
    let way = |to: &str, name: &str| {
        let here = (title == name).then_some("page");
        html! { li { a href=(to) aria-current=[here] { (name) } } }
    };
    html! {
        nav aria-label="Pages" { ul { (way("/groups", "Groups")) (way("/devices", "Devices")) } }
        form.who method="post" action="/sign-out" {
            span { (seat.user.name) ", " (seat.user.role.name()) }
            (form_token(seat))
            button type="submit" { "Sign out" }
        }
    }
}

/// What a form of this session brings back.
pub(super) fn form_token(seat: &Seat) -> Markup {
    html! { input type="hidden" name="form" value=(seat.form_token()); }
}

/// A time as people read it; programs find RFC 3339.
pub(super) fn time(rfc3339: &str) -> Markup {
    let text = rfc3339.trim_end_matches('Z').replacen('T', " ", 1);
    html! { time datetime=(rfc3339) { (text) } }
}

/// A span of time as people read it.
pub(super) fn span(seconds: u64) -> String {
    let (mut text, mut was_digit) = (String::new(), false);
    for letter in value::span(seconds).chars() {
        if was_digit && letter.is_alphabetic() {
            text.push('\u{a0}');
        }
        was_digit = letter.is_ascii_digit();
        text.push(letter);
    }
    text
}

/// A long id, which may break in its middle.
pub(super) fn id(digits: &str) -> Markup {
    let parts: Vec<_> = digits.split_inclusive(|_| true).collect();
    html! {
        code {
            @for (at, part) in parts.chunks(16).enumerate() {
                @if at > 0 { wbr; }
                (part.concat())
            }
        }
    }
}

/// How a device stands to its newest package, in words and colour.
pub(super) fn package(name: &str, standing: &str) -> Markup {
    let (class, text) = match name {
        _ if standing == "lost" => ("plain", "it gets none"),
        "applied" => ("good", "applied"),
        "due" => ("late", "lags: a new one is due"),
        "not_seen" => ("late", "lags: not seen applied"),
        "partly" => ("late", "lags: applied in part"),
        "no_package" => ("plain", "none needed"),
        other => ("plain", other),
    };
    html! { span class={ "mark " (class) } { (text) } }
}

/// What an operator has decided about a device.
pub(super) fn standing(name: &str) -> Markup {
    let class = match name {
        "approved" => "good",
        "lost" => "bad",
        _ => "late",
    };
    html! { span class={ "mark " (class) } { (name) } }
}

/// What is wrong with a device.
pub(super) fn alarms(names: &[&str]) -> Markup {
    let text = |name: &str| match name {
        "rolled_back" => "older state than before",
        "foreign_root" => "another manager's",
        "floor_ahead" => "its time is ahead",
        _ => "unknown",
    };
    html! {
        @for name in names { span.mark.bad title=(name) { (text(name)) } " " }
        @if names.is_empty() { span.quiet { "none" } }
    }
}

/// A table that may be wider than the screen: it scrolls by itself, also by keys.
pub(super) fn wide(name: &str, table: Markup) -> Markup {
    html! { div.wide role="region" aria-label=(name) tabindex="0" { (table) } }
}

/// The ways through a long list.
pub(super) fn parts(path: &str, is_later: bool, next: Option<&str>) -> Markup {
    if !is_later && next.is_none() {
        return PreEscaped(String::new());
    }
    html! {
        nav.parts aria-label="Parts of the list" {
            @if is_later { a href=(path) { "From the beginning" } }
            @if let Some(next) = next { a rel="next" href={ (path) "?after=" (next) } { "Next part" } }
        }
    }
}
