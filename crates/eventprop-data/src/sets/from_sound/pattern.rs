//! Fields in the name of a recording: patterns such as `{label}_{speaker}_{index}`.

use std::str::FromStr;

use thiserror::Error;

/// A pattern of file names: text, and fields in braces.
///
/// It is compared with the name without its ending; a pattern with n slashes also with the n folders before it.
/// A field stands for one character or more, none of them a slash. A field that occurs twice is joined with `_`.
///
/// ```
/// use eventprop_data::sets::from_sound::pattern::Pattern;
///
/// let pattern: Pattern = "{label}_{speaker}_{index}".parse()?;
/// let fields = pattern.fields("recordings/7_theo_12.wav").expect("it matches");
/// assert_eq!(fields.get("speaker"), Some("theo"));
/// assert!(pattern.fields("recordings/README.md").is_none());
/// # Ok::<(), eventprop_data::sets::from_sound::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    folders: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

/// Fields of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A pattern that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the pattern \"{pattern}\" {problem}; a pattern is like {{label}}_{{speaker}}_{{index}}, with text between the fields"
)]
pub struct PatternError {
    pattern: String,
    problem: &'static str,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, PatternError> {
        let refuse = |problem| PatternError {
            pattern: pattern.to_owned(),
            problem,
        };
        let mut parts = Vec::new();
        let mut rest = without_ending(pattern);
        while !rest.is_empty() {
            let (text, after) = rest.split_once('{').unwrap_or((rest, ""));
            if text.contains('}') {
                return Err(refuse("closes a brace that is not open"));
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            if text.len() == rest.len() {
                break;
            }
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| refuse("leaves a brace open"))?;
            if name.is_empty() || name.contains(['{', '/']) {
                return Err(refuse("has a field without a proper name"));
            }
            if matches!(parts.last(), Some(Part::Field(_))) {
                return Err(refuse("has two fields with nothing between them"));
            }
            parts.push(Part::Field(name.to_owned()));
            rest = after;
        }
        if !parts.iter().any(|part| matches!(part, Part::Field(_))) {
            return Err(refuse("has no field"));
        }
        Ok(Self {
            parts,
            folders: pattern.matches('/').count(),
        })
    }
}

impl Pattern {
    /// True if it has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|field| field == name)
    }

    /// The names of its fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The fields of `path`, with `/` between its folders; `None` if it does not match.
    pub fn fields(&self, path: &str) -> Option<Fields> {
        let path = without_ending(path);
        let start = path.rmatch_indices('/').nth(self.folders);
        let name = start.map_or(path, |(slash, _)| &path[slash + 1..]);
        let mut values = Vec::new();
        if !matches(&self.parts, name, &mut values) {
            return None;
        }
        let mut fields = Fields::default();
        for (name, value) in self.names().zip(values) {
            match fields.0.iter_mut().find(|(field, _)| field == name) {
                Some((_, joined)) => {
                    joined.push('_');
                    joined.push_str(value);
                }
                None => fields.0.push((name.to_owned(), value.to_owned())),
            }
        }
        Some(fields)
    }
}

/// Matches all of `name`; the shortest value of every field that leads to a match is taken.
fn matches<'a>(parts: &[Part], name: &'a str, values: &mut Vec<&'a str>) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return name.is_empty();
    };
    match part {
        Part::Text(text) => name
            .strip_prefix(text.as_str())
            .is_some_and(|name| matches(rest, name, values)),
        Part::Field(_) => {
            let ends = name.char_indices().map(|(at, c)| (at + c.len_utf8(), c));
            for (end, _) in ends.take_while(|(_, c)| *c != '/') {
                values.push(&name[..end]);
                if matches(rest, &name[end..], values) {
                    return true;
                }
                values.pop();
            }
            false
        }
    }
}

/// A name without `.wav` or `.flac`.
fn without_ending(name: &str) -> &str {
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return name;
    };
    if is_sound_ending(ending) { stem } else { name }
}

/// True if a file's ending is one of those that are read.
pub(crate) fn is_sound_ending(ending: &str) -> bool {
    ["wav", "flac"]
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

/// Filter on the values of a field: `index=0-4`, `speaker=theo,george`, `speaker!=theo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The field.
    pub field: String,
    values: Vec<Values>,
    excludes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    One(String),
    Range(u64, u64),
}

/// A selection that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the selection \"{0}\" is not understood; it is like index=0-4, speaker=theo,george or speaker!=theo"
)]
pub struct SelectionError(String);

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let refuse = || SelectionError(text.to_owned());
        let (field, values) = text.split_once('=').ok_or_else(refuse)?;
        let (field, excludes) = match field.strip_suffix('!') {
            Some(field) => (field, true),
            None => (field, false),
        };
        if field.is_empty() || values.is_empty() {
            return Err(refuse());
        }
        let values = values.split(',').map(|value| {
            let range = value.split_once('-');
            let numbers = range.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
            match numbers {
                Some((first, last)) if first <= last => Ok(Values::Range(first, last)),
                Some(_) => Err(refuse()),
                None => Ok(Values::One(value.to_owned())),
            }
        });
        Ok(Self {
            field: field.to_owned(),
            values: values.collect::<Result<_, _>>()?,
            excludes,
        })
    }
}

impl Selection {
    /// True if a value of the field is taken.
    pub fn takes(&self, value: &str) -> bool {
        let number = value.parse::<u64>().ok();
        let named = self.values.iter().any(|values| match values {
            Values::One(one) => one == value,
            Values::Range(first, last) => number.is_some_and(|n| (*first..=*last).contains(&n)),
        });
        named != self.excludes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(pattern: &str, path: &str, name: &str) -> Option<String> {
        let pattern: Pattern = pattern.parse().unwrap();
        Some(pattern.fields(path)?.get(name)?.to_owned())
    }

    #[test]
    fn names_of_the_usual_corpora() {
        let heidelberg = "lang-{label}_speaker-{speaker}_trial-{trial}_digit-{label}";
        let path = "audio/lang-english_speaker-00_trial-0_digit-2.flac";
        assert_eq!(field(heidelberg, path, "label").unwrap(), "english_2");
        assert_eq!(field(heidelberg, path, "speaker").unwrap(), "00");
        let commands = "{label}/{speaker}_nohash_{index}";
        let path = "yes/0a7c2a8d_nohash_0.wav";
        assert_eq!(field(commands, path, "label").unwrap(), "yes");
        assert_eq!(field(commands, path, "speaker").unwrap(), "0a7c2a8d");
        assert_eq!(
            field(commands, "_background_noise_/pink_noise.wav", "label"),
            None
        );
        assert_eq!(field(commands, "0a7c2a8d_nohash_0.wav", "label"), None);
    }

    #[test]
    fn fields_give_way_until_all_matches() {
        assert_eq!(field("{a}_{b}.x", "1_2_3.x", "b").unwrap(), "2_3");
        assert_eq!(field("{a}_{b}_end", "1_2_3_end.wav", "b").unwrap(), "2_3");
        assert_eq!(field("{a}_{b}", "_b", "a"), None);
        assert_eq!(field("{a}-{b}.WAV", "ü-2.flac", "a").unwrap(), "ü");
    }

    #[test]
    fn patterns_that_cannot_be() {
        for pattern in ["", "name", "{a}{b}", "{a", "a}", "{}", "{a/b}"] {
            let error = pattern.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{pattern}\"")), "{error}");
        }
    }

    #[test]
    fn selections_take_values_and_ranges() {
        let takes =
            |selection: &str, value: &str| selection.parse::<Selection>().unwrap().takes(value);
        assert!(takes("index=0-4", "4") && !takes("index=0-4", "5") && !takes("index=0-4", "x"));
        assert!(takes("index=0-4,7", "7") && takes("index=0-4", "03"));
        assert!(takes("speaker=theo,jackson", "theo") && !takes("speaker!=theo", "theo"));
        assert!(takes("speaker=anna-maria", "anna-maria"));
        for wrong in ["index", "=3", "index=", "index=4-0"] {
            assert!(wrong.parse::<Selection>().is_err(), "{wrong}");
        }
    }
}
