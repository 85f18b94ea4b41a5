//! Pieces of HTML.

/// Text with the characters that mean something in HTML and SVG written out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML, and nothing that a name should hold.
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A table: heads, and rows of cells that are HTML already. Cells of numbers stand right.
pub struct Table {
    /// Heads of the columns.
    pub heads: Vec<String>,
    /// Columns that hold numbers.
    pub numbers: Vec<bool>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table; a head that begins with `#` stands over numbers.
    pub fn new(heads: &[&str]) -> Self {
        Self {
            numbers: heads.iter().map(|head| head.starts_with('#')).collect(),
            heads: heads
                .iter()
                .map(|h| h.trim_start_matches('#').to_owned())
                .collect(),
            rows: Vec::new(),
        }
    }

    /// The table.
    pub fn to_html(&self) -> String {
        let class = |column: usize| {
            if self.numbers.get(column) == Some(&true) {
                " class=\"n\""
            } else {
                ""
            }
        };
        let line = |cells: &[String], tag: &str| {
            let cells = cells.iter().enumerate();
            let cells: Vec<String> = cells
                .map(|(column, cell)| format!("<{tag}{}>{cell}</{tag}>", class(column)))
                .collect();
            format!("<tr>{}</tr>", cells.concat())
        };
        let head = line(&self.heads, "th");
        let body: String = self.rows.iter().map(|row| line(row, "td")).collect();
        format!(
            "<div class=\"scroll\"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"
        )
    }
}

/// A share as percent, with two decimals.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.2} %", 100.0 * share)
    } else {
        "–".to_owned()
    }
}

/// A number of things with thin spaces between groups of three digits.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A span of time in words that fit its size.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "–".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", 1000.0 * s),
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!(
            "{} h {:02.0} min",
            (s / 3600.0).floor(),
            (s % 3600.0 / 60.0).floor()
        ),
    }
}

/// A number with about four digits.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        "–".to_owned()
    } else if x == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{x:.2e}")
    } else {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 5) as usize;
        format!("{x:.decimals$}")
    }
}

/// Bytes in base 64 (RFC 4648), as addresses of data hold them.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit <= three.len() {
                out.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(
            escape("<b a=\"1\">&\u{1}"),
            "&lt;b a=&quot;1&quot;&gt;&amp; "
        );
        let mut table = Table::new(&["a", "#b"]);
        table.rows.push(vec!["x".into(), "1".into()]);
        assert!(table.to_html().contains("<td>x</td><td class=\"n\">1</td>"));
    }

    /// The test vectors of RFC 4648.
    #[test]
    fn base_64_of_rfc_4648() {
        let of = |text: &str| base64(text.as_bytes());
        assert_eq!(
            ["", "f", "fo", "foo", "foobar"].map(of),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]
        );
    }

    #[test]
    fn numbers_as_people_write_them() {
        assert_eq!(percent(0.98436), "98.44 %");
        assert_eq!(percent(f64::NAN), "–");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(
            [0.25, 12.34, 125.0, 7260.0].map(duration),
            ["250 ms", "12.3 s", "2 min 05 s", "2 h 01 min"]
        );
        assert_eq!(
            [0.012_345, 1.5, 123_456.0, 2e-7].map(number),
            ["0.01235", "1.500", "123456", "2.00e-7"]
        );
    }
}
