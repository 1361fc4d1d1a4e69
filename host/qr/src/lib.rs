//! QR codes as text for a terminal: binary mode, least correction, so that a
//! statement fits 80 columns. For both command lines.
#![forbid(unsafe_code)]

use qrcodegen::{QrCode, QrCodeEcc};

/// More than a QR code holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} octets are more than a QR code holds ({MOST})")]
pub struct TooLong {
    /// The octets that there are.
    pub len: usize,
}

/// The most octets of a QR code (ISO/IEC 18004: version 40, level L, byte mode).
pub const MOST: usize = 2953;
/// Light modules around the code, as the standard asks for.
const QUIET: i32 = 4;
/// White on black, and back: ECMA-48 SGR. The light is drawn, the dark left out.
const COLOURS: (&str, &str) = ("\x1b[37;40m", "\x1b[0m");

/// Two rows of modules a line; with its own colours if it goes to a terminal.
///
/// [`TooLong`] above [`MOST`] octets.
pub fn text(octets: &[u8], to_terminal: bool) -> Result<String, TooLong> {
    let too_long = |_| TooLong { len: octets.len() };
    let code = QrCode::encode_binary(octets, QrCodeEcc::Low).map_err(too_long)?;
    let (begin, end) = if to_terminal { COLOURS } else { ("", "") };
    let mut text = String::new();
    let places = -QUIET..code.size() + QUIET;
    for y in places.clone().step_by(2) {
        text.push_str(begin);
        // What is outside of the code is light.
        text.extend(places.clone().map(|x| {
            match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            }
        }));
        text.push_str(end);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that a text shows, light is true.
    fn shown(text: &str) -> Vec<Vec<bool>> {
        let rows = |line: &str| {
            let half = |light: [char; 2]| line.chars().map(|c| light.contains(&c)).collect();
            [half(['█', '▀']), half(['█', '▄'])]
        };
        text.lines().flat_map(rows).collect()
    }

    #[test]
    fn the_text_shows_every_module_with_a_light_border() {
        let octets: Vec<u8> = (0..=255).collect();
        let code = QrCode::encode_binary(&octets, QrCodeEcc::Low).unwrap();
        let shown = shown(&text(&octets, false).ok().unwrap());
        let width = usize::try_from(code.size() + 2 * QUIET).unwrap();
        assert!(shown.len() >= width && shown.iter().all(|row| row.len() == width));
        for (y, row) in (-QUIET..).zip(&shown) {
            for (x, light) in (-QUIET..).zip(row) {
                assert_eq!(*light, !code.get_module(x, y), "{x} {y}");
            }
        }
        assert!(shown[..4].iter().flatten().all(|light| *light));
    }

    #[test]
    fn a_statement_fits_80_columns_and_a_terminal_gets_its_colours() {
        // docs/package.md, Sizes: the most without extensions.
        let plain = text(&[0xa5; 387], false).ok().unwrap();
        assert!(plain.lines().all(|line| line.chars().count() == 77));
        let coloured = text(&[0xa5; 387], true).ok().unwrap();
        assert_eq!(coloured.replace(COLOURS.0, "").replace(COLOURS.1, ""), plain);
    }

    #[test]
    fn what_is_too_long_goes_as_a_file() {
        assert!(text(&[0; MOST], false).is_ok());
        assert_eq!(text(&[0; MOST + 1], false), Err(TooLong { len: MOST + 1 }));
    }
}
