//! Values as a failed check prints them: codes by number and name, octets as
//! a dump.

use std::fmt::Write;

use proseal_client::{Error, Fault};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::message::{DeviceState, Outcome, PgkState};
use proseal_proto::profile::{Profile, Suite};

/// What a failed check can print.
pub(crate) trait Show {
    /// The value, on one line.
    fn show(&self) -> String;
}

/// Values that print themselves.
macro_rules! show_plain {
    ($($plain:ty),*) => {
        $(impl Show for $plain {
            fn show(&self) -> String {
                self.to_string()
            }
        })*
    };
}
show_plain!(bool, u8, u16, u32, u64, usize, str, String, std::io::Error, serde_json::Error);
show_plain!(Generation, GroupId, MemberId, PgkId, PtkId);

/// Values with a number and a name.
macro_rules! show_named {
    ($($named:ty: $number:expr),*) => {
        $(impl Show for $named {
            fn show(&self) -> String {
                let number: fn(&Self) -> u32 = $number;
                named(number(self), self.name())
            }
        })*
    };
}
show_named!(
    Code: |code| code.number(),
    Outcome: |outcome| *outcome as u32,
    DeviceState: |state| state.number().into(),
    PgkState: |state| state.number().into(),
    Profile: |profile| profile.number().into(),
    Suite: |suite| suite.number().into()
);

fn named(number: u32, name: &str) -> String {
    format!("{number:#x} = {name}")
}

impl Show for Error {
    fn show(&self) -> String {
        format!("{} ({self})", named(self.number(), self.name()))
    }
}

impl Show for Fault {
    fn show(&self) -> String {
        Error::from(self.clone()).show()
    }
}

#[cfg(feature = "optee")]
impl Show for crate::ioctl::Refusal {
    fn show(&self) -> String {
        match self {
            Self::Kernel(error) => format!("{error} from the kernel"),
            Self::Tee { result, origin } => format!(
                "{} from {}",
                tee_result(*result),
                match origin {
                    1 => "libteec",
                    2 => "the kernel's driver",
                    3 => "OP-TEE",
                    4 => "the TA",
                    _ => "nobody that is known",
                }
            ),
        }
    }
}

/// A `TEEC_Result` by number and name (GlobalPlatform TEE Client API).
#[cfg(feature = "optee")]
fn tee_result(result: u32) -> String {
    named(
        result,
        match result {
            0 => "TEEC_SUCCESS",
            0xffff_0000 => "TEEC_ERROR_GENERIC",
            0xffff_0001 => "TEEC_ERROR_ACCESS_DENIED",
            0xffff_0005 => "TEEC_ERROR_BAD_FORMAT",
            0xffff_0006 => "TEEC_ERROR_BAD_PARAMETERS",
            0xffff_0007 => "TEEC_ERROR_BAD_STATE",
            0xffff_0008 => "TEEC_ERROR_ITEM_NOT_FOUND",
            0xffff_000a => "TEEC_ERROR_NOT_SUPPORTED",
            0xffff_000c => "TEEC_ERROR_OUT_OF_MEMORY",
            0xffff_000d => "TEEC_ERROR_BUSY",
            0xffff_000e => "TEEC_ERROR_COMMUNICATION",
            0xffff_000f => "TEEC_ERROR_SECURITY",
            0xffff_0010 => "TEEC_ERROR_SHORT_BUFFER",
            0xffff_3024 => "TEEC_ERROR_TARGET_DEAD",
            0xffff_3041 => "TEE_ERROR_STORAGE_NO_SPACE",
            0xf010_0001 => "TEE_ERROR_CORRUPT_OBJECT",
            _ => "a result without a name here",
        },
    )
}

impl<T, E: Show> Show for Result<T, E> {
    fn show(&self) -> String {
        self.as_ref().err().map_or_else(|| String::from("0x0 = success"), E::show)
    }
}

impl Show for DeviceId {
    fn show(&self) -> String {
        hex(&self.0)
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self) -> String {
        (**self).show()
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| String::from("none"), T::show)
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> String {
        format!("[{}]", self.iter().map(T::show).collect::<Vec<_>>().join(", "))
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// 16 octets a line, with their ASCII, each line indented.
pub(crate) fn dump(octets: &[u8]) -> String {
    let lines = octets.chunks(16).map(|line| {
        let hex = line.iter().map(|octet| format!("{octet:02x} ")).collect::<String>();
        let printable = |octet: &u8| (0x20..0x7f).contains(octet);
        let ascii: String =
            line.iter().map(|o| if printable(o) { char::from(*o) } else { '.' }).collect();
        format!("  {hex:<48} {ascii}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named() {
        assert_eq!(Code::WrongDevice.show(), "0x203 = wrong_device");
        assert!(Error::Refused(Code::Damaged).show().starts_with("0x503 = damaged ("));
    }

    #[test]
    fn octets_are_dumped_in_16_columns_with_ascii() {
        let octets: Vec<u8> = (0x3f..0x50).collect();
        assert_eq!(
            dump(&octets),
            "  3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e  ?@ABCDEFGHIJKLMN\n  \
             4f                                               O"
        );
    }
}
