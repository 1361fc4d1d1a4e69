//! The words of the local API (varlink, docs/prosed.md): calls and replies as octets.
//! Messages are JSON objects, each with a zero octet behind it.

use proseal_proto::id::GroupId;
use serde_json::{Map, Value, json};

/// The interface that this program has beside `org.varlink.service`.
pub const INTERFACE: &str = "org.proseal.traffic";

/// The interface, in varlink's own language.
pub const DESCRIPTION: &str = include_str!("org.proseal.traffic.varlink");

/// The interface that every varlink service has.
const SERVICE: &str = "org.varlink.service";
const SERVICE_DESCRIPTION: &str = include_str!("org.varlink.service.varlink");

/// Octets of the longest message: a payload of a whole datagram in base64 has room.
pub const MESSAGE_MAX: usize = 128 * 1024;

/// What somebody asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Whether many replies are expected.
    pub more: bool,
    /// Whether none is.
    pub oneway: bool,
    /// What.
    pub method: Method,
}

/// The methods, with their parameters.
#[derive(Debug, PartialEq, Eq)]
pub enum Method {
    /// One that every service has; the reply is ready.
    Service(Vec<u8>),
    /// Send a datagram.
    Send(GroupId, Vec<u8>),
    /// Hear datagrams, of one group or of all.
    Subscribe(Option<GroupId>),
    /// Counters and epochs.
    Status,
    /// A new epoch.
    Refresh(GroupId),
    /// Carry a notice or a package to the others of a group.
    Carry(GroupId, Vec<u8>),
    /// No keys any more, until an administrator resumes.
    Suspend(GroupId),
    /// Read the configuration again.
    Reload,
}

/// Reads one message, without its zero. The error is a reply; `None` where no reply is
/// possible, and the connection is of no use.
pub fn read(octets: &[u8]) -> Result<Call, Option<Vec<u8>>> {
    let message: Map<String, Value> = serde_json::from_slice(octets).map_err(|_| None)?;
    let name = message.get("method").and_then(Value::as_str).ok_or(None)?;
    let flag = |name| message.get(name).and_then(Value::as_bool).unwrap_or(false);
    let empty = Map::new();
    let parameters = match message.get("parameters") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(parameters)) => parameters,
        Some(_) => return Err(Some(invalid("parameters"))),
    };
    let method = method(name, &Parameters(parameters)).map_err(Some)?;
    Ok(Call { more: flag("more"), oneway: flag("oneway"), method })
}

struct Parameters<'p>(&'p Map<String, Value>);

impl Parameters<'_> {
    fn only(&self, names: &[&str]) -> Result<(), Vec<u8>> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(other) => Err(invalid(other)),
            None => Ok(()),
        }
    }

    fn text(&self, name: &str) -> Result<&str, Vec<u8>> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| invalid(name))
    }

    fn octets(&self, name: &str) -> Result<Vec<u8>, Vec<u8>> {
        let octets = <base64ct::Base64 as base64ct::Encoding>::decode_vec(self.text(name)?);
        octets.map_err(|_| invalid(name))
    }

    fn group(&self) -> Result<GroupId, Vec<u8>> {
        let text = self.text("group")?;
        let six = text.len() == 6 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
        let number = six.then(|| u32::from_str_radix(text, 16).ok()).flatten();
        number.and_then(|number| GroupId::new(number).ok()).ok_or_else(|| invalid("group"))
    }
}

fn method(name: &str, parameters: &Parameters<'_>) -> Result<Method, Vec<u8>> {
    let (interface, method) = name.rsplit_once('.').unwrap_or_default();
    match (interface, method) {
        (SERVICE, "GetInfo") => Ok(Method::Service(information())),
        (SERVICE, "GetInterfaceDescription") => {
            let description = match parameters.text("interface")? {
                SERVICE => SERVICE_DESCRIPTION,
                INTERFACE => DESCRIPTION,
                other => {
                    let what = json!({ "interface": other });
                    return Err(error("org.varlink.service.InterfaceNotFound", &what));
                }
            };
            Ok(Method::Service(reply(&json!({ "description": description }), false)))
        }
        (INTERFACE, "Send") => {
            parameters.only(&["group", "payload"])?;
            Ok(Method::Send(parameters.group()?, parameters.octets("payload")?))
        }
        (INTERFACE, "Carry") => {
            parameters.only(&["group", "object"])?;
            Ok(Method::Carry(parameters.group()?, parameters.octets("object")?))
        }
        (INTERFACE, "Subscribe") => {
            parameters.only(&["group"])?;
            let all = matches!(parameters.0.get("group"), None | Some(Value::Null));
            Ok(Method::Subscribe(if all { None } else { Some(parameters.group()?) }))
        }
        (INTERFACE, "Status") => parameters.only(&[]).map(|()| Method::Status),
        (INTERFACE, "Reload") => parameters.only(&[]).map(|()| Method::Reload),
        (INTERFACE, "Refresh" | "Suspend") => {
            parameters.only(&["group"])?;
            let group = parameters.group()?;
            Ok(if method == "Refresh" { Method::Refresh(group) } else { Method::Suspend(group) })
        }
        (SERVICE | INTERFACE, _) => {
            Err(error("org.varlink.service.MethodNotFound", &json!({ "method": name })))
        }
        _ => {
            let what = json!({ "interface": interface });
            Err(error("org.varlink.service.InterfaceNotFound", &what))
        }
    }
}

fn information() -> Vec<u8> {
    let what = json!({
        "vendor": "ProSeal",
        "product": "prosed",
        "version": env!("CARGO_PKG_VERSION"),
        "url": "file:/usr/share/doc/proseal/prosed.md",
        "interfaces": [SERVICE, INTERFACE],
    });
    reply(&what, false)
}

/// A datagram for somebody who has subscribed.
#[must_use]
pub fn datagram(group: GroupId, sender: proseal_proto::id::MemberId, payload: &[u8]) -> Vec<u8> {
    let payload = <base64ct::Base64 as base64ct::Encoding>::encode_string(payload);
    let what = json!({
        "group": group.to_string(),
        "sender": sender.to_string(),
        "payload": payload,
    });
    reply(&what, true)
}

/// A reply; others follow if it `continues`.
#[must_use]
pub fn reply(parameters: &Value, continues: bool) -> Vec<u8> {
    let mut message = json!({ "parameters": parameters });
    if continues && let Some(message) = message.as_object_mut() {
        message.insert("continues".to_owned(), Value::Bool(true));
    }
    octets(&message)
}

/// A refusal by its whole name.
#[must_use]
pub fn error(name: &str, parameters: &Value) -> Vec<u8> {
    octets(&json!({ "error": name, "parameters": parameters }))
}

/// A refusal of this program's own.
#[must_use]
pub fn refusal(name: &str, reason: &str) -> Vec<u8> {
    error(&format!("{INTERFACE}.{name}"), &json!({ "reason": reason }))
}

/// Many replies can be given only to who expects them.
#[must_use]
pub fn expected_more() -> Vec<u8> {
    error("org.varlink.service.ExpectedMore", &json!({}))
}

fn invalid(parameter: &str) -> Vec<u8> {
    error("org.varlink.service.InvalidParameter", &json!({ "parameter": parameter }))
}

fn octets(message: &Value) -> Vec<u8> {
    let mut octets = message.to_string().into_bytes();
    octets.push(0);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> GroupId {
        GroupId::new(0x0a0b0c).unwrap()
    }

    fn method(text: &str) -> Result<Method, String> {
        let said = |reply: Option<Vec<u8>>| reply.map(|reply| String::from_utf8(reply).unwrap());
        read(text.as_bytes())
            .map(|call| call.method)
            .map_err(|reply| said(reply).unwrap_or_default())
    }

    fn own(name: &str, parameters: &str) -> Result<Method, String> {
        method(&format!("{{\"method\":\"{INTERFACE}.{name}\",\"parameters\":{parameters}}}"))
    }

    #[test]
    fn each_method_is_read_with_its_parameters() {
        let id = "{\"group\":\"0a0b0c\"}";
        assert_eq!(own("Status", "{}"), Ok(Method::Status));
        assert_eq!(own("Status", "null"), Ok(Method::Status));
        assert_eq!(own("Reload", "{}"), Ok(Method::Reload));
        assert_eq!(own("Refresh", id), Ok(Method::Refresh(group())));
        assert_eq!(own("Suspend", id), Ok(Method::Suspend(group())));
        assert_eq!(own("Subscribe", "{}"), Ok(Method::Subscribe(None)));
        assert_eq!(own("Subscribe", id), Ok(Method::Subscribe(Some(group()))));
        let send = "{\"group\":\"0a0b0c\",\"payload\":\"aGVsbG8=\"}";
        assert_eq!(own("Send", send), Ok(Method::Send(group(), b"hello".to_vec())));
        let carry = "{\"group\":\"0a0b0c\",\"object\":\"aGVsbG8=\"}";
        assert_eq!(own("Carry", carry), Ok(Method::Carry(group(), b"hello".to_vec())));
        for name in ["Status", "Reload", "Refresh", "Suspend", "Subscribe", "Send", "Carry"] {
            assert!(DESCRIPTION.contains(&format!("method {name}(")), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, parameters, word) in [
            ("Stop", "{}", "MethodNotFound"),
            ("Status", "{\"x\":1}", "\"x\""),
            ("Status", "[]", "InvalidParameter"),
            ("Refresh", "{}", "\"group\""),
            ("Refresh", "{\"group\":\"+a0b0c\"}", "\"group\""),
            ("Refresh", "{\"group\":\"a0b0c\"}", "\"group\""),
            ("Send", "{\"group\":\"0a0b0c\",\"payload\":\"?\"}", "\"payload\""),
            ("Carry", "{\"group\":\"0a0b0c\",\"object\":\"?\"}", "\"object\""),
            ("Carry", "{\"object\":\"\"}", "\"group\""),
        ] {
            let error = own(name, parameters).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(
            method("{\"method\":\"org.other.Status\"}").unwrap_err().contains("InterfaceNotFound")
        );
        for text in ["", "[]", "{}", "{\"method\":1}", "\u{0}"] {
            assert_eq!(read(text.as_bytes()), Err(None));
        }
    }

    #[test]
    fn a_client_can_find_out_what_there_is() {
        let Ok(Method::Service(reply)) = method("{\"method\":\"org.varlink.service.GetInfo\"}")
        else {
            panic!("no reply");
        };
        assert!(String::from_utf8(reply).unwrap().contains(INTERFACE));
        for interface in [INTERFACE, SERVICE] {
            let call = format!(
                "{{\"method\":\"org.varlink.service.GetInterfaceDescription\",\
                 \"parameters\":{{\"interface\":\"{interface}\"}}}}"
            );
            let Ok(Method::Service(reply)) = method(&call) else { panic!("no reply") };
            assert!(String::from_utf8(reply).unwrap().contains(&format!("interface {interface}")));
        }
    }
}
