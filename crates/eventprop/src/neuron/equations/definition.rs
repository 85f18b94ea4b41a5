//! A model as a user writes it: names and texts.

use super::error::EquationError;

/// Names with what belongs to each, in the order in which they were given.
pub type Texts = Vec<(String, String)>;

/// A neuron model as text. Times are in ms.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Name of the model.
    pub name: String,
    /// Derivative by time of each state variable, per ms.
    pub state: Texts,
    /// A spike happens where this rises through 0; none for neurons that never spike.
    pub spike: Option<String>,
    /// State variables just after a spike, from the state just before; those left out stay.
    pub reset: Texts,
    /// What an arriving spike of weight `w` does, per port: name of the port, and state variables just after the arrival.
    /// A model with one way to receive has one port with an empty name.
    pub input: Vec<(String, Texts)>,
    /// Parameters, with their values for all neurons that are given no others.
    pub parameters: Vec<(String, f64)>,
    /// State at the start of a trial, from the parameters; 0 where left out.
    pub initial: Texts,
    /// The state variable that voltage losses and plots read: `v`, or the first, where left out.
    pub readout: Option<String>,
    /// Typical sizes of state variables, for tolerances; 1 where left out.
    pub scales: Vec<(String, f64)>,
    /// Equal parts into which the grid solver cuts a step; 1 where left out.
    pub substeps: usize,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            name: String::new(),
            state: Vec::new(),
            spike: None,
            reset: Vec::new(),
            input: Vec::new(),
            parameters: Vec::new(),
            initial: Vec::new(),
            readout: None,
            scales: Vec::new(),
            substeps: 1,
        }
    }
}

/// A definition as a table of a file.
type Table = toml::Table;

impl Definition {
    /// Reads a TOML file; `docs/how-to/your-own-neuron.md` describes it.
    ///
    /// # Errors
    /// The key that is wrong, what was found, and what was expected.
    pub fn from_toml(text: &str) -> Result<Self, EquationError> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| EquationError::Toml(error.to_string()))?;
        let mut definition = Self::default();
        for (key, value) in table {
            definition.take(&key, value)?;
        }
        Ok(definition)
    }

    fn take(&mut self, key: &str, value: toml::Value) -> Result<(), EquationError> {
        match key {
            "name" => self.name = text(key, value)?,
            "state" => self.state = texts(key, value)?,
            "spike" => self.spike = Some(text(key, value)?),
            "reset" => self.reset = texts(key, value)?,
            "input" => self.input = ports(value)?,
            "parameters" => self.parameters = numbers(key, value)?,
            "initial" => self.initial = texts(key, value)?,
            "readout" => self.readout = Some(text(key, value)?),
            "scales" => self.scales = numbers(key, value)?,
            "substeps" => self.substeps = whole(key, &value)?,
            other => {
                let near = super::text::nearest(other, KEYS.into_iter());
                let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
                let all = KEYS.join(", ");
                let problem = format!("there is no such key{near} A model has {all}");
                return Err(part(other, problem));
            }
        }
        Ok(())
    }

    /// The same as a TOML file.
    pub fn to_toml(&self) -> String {
        let mut table = Table::new();
        let of = |texts: &Texts| {
            let pairs = texts.iter().map(|(k, v)| (k.clone(), v.clone().into()));
            toml::Value::Table(pairs.collect())
        };
        let of_numbers = |numbers: &[(String, f64)]| {
            let pairs = numbers.iter().map(|(k, v)| (k.clone(), (*v).into()));
            toml::Value::Table(pairs.collect())
        };
        table.insert("name".to_owned(), self.name.clone().into());
        if let Some(spike) = &self.spike {
            table.insert("spike".to_owned(), spike.clone().into());
        }
        if let Some(readout) = &self.readout {
            table.insert("readout".to_owned(), readout.clone().into());
        }
        table.insert("substeps".to_owned(), (self.substeps as i64).into());
        table.insert("state".to_owned(), of(&self.state));
        table.insert("reset".to_owned(), of(&self.reset));
        let input = match &self.input[..] {
            [(name, texts)] if name.is_empty() => of(texts),
            all => toml::Value::Table(all.iter().map(|(name, t)| (name.clone(), of(t))).collect()),
        };
        table.insert("input".to_owned(), input);
        table.insert("parameters".to_owned(), of_numbers(&self.parameters));
        table.insert("initial".to_owned(), of(&self.initial));
        table.insert("scales".to_owned(), of_numbers(&self.scales));
        table.to_string()
    }
}

const KEYS: [&str; 10] = [
    "name",
    "state",
    "spike",
    "reset",
    "input",
    "parameters",
    "initial",
    "readout",
    "scales",
    "substeps",
];

/// A fault of a part.
pub(super) fn part(key: impl Into<String>, problem: impl Into<String>) -> EquationError {
    EquationError::Part {
        key: key.into(),
        problem: problem.into(),
    }
}

fn wrong(key: &str, found: &toml::Value, expected: &str) -> EquationError {
    part(key, format!("found {found}; expected {expected}"))
}

fn text(key: &str, value: toml::Value) -> Result<String, EquationError> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        other => Err(wrong(key, &other, "an expression in quotes")),
    }
}

fn whole(key: &str, value: &toml::Value) -> Result<usize, EquationError> {
    let number = value
        .as_integer()
        .and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| wrong(key, value, "a whole number"))
}

fn table(key: &str, value: toml::Value) -> Result<Table, EquationError> {
    match value {
        toml::Value::Table(table) => Ok(table),
        other => Err(wrong(key, &other, "a table, such as { v = \"…\" }")),
    }
}

fn texts(key: &str, value: toml::Value) -> Result<Texts, EquationError> {
    let entries = table(key, value)?.into_iter();
    let entry = |(name, value): (String, toml::Value)| {
        let expression = text(&format!("{key}.{name}"), value)?;
        Ok((name, expression))
    };
    entries.map(entry).collect()
}

fn numbers(key: &str, value: toml::Value) -> Result<Vec<(String, f64)>, EquationError> {
    let entries = table(key, value)?.into_iter();
    let entry = |(name, value): (String, toml::Value)| match value {
        toml::Value::Integer(number) => Ok((name, number as f64)),
        toml::Value::Float(number) => Ok((name, number)),
        other => Err(wrong(&format!("{key}.{name}"), &other, "a number")),
    };
    entries.map(entry).collect()
}

/// One port without a name, or several with names.
fn ports(value: toml::Value) -> Result<Vec<(String, Texts)>, EquationError> {
    let found = table("input", value)?;
    if !found.is_empty() && found.values().all(toml::Value::is_table) {
        let port = |(name, value): (String, toml::Value)| {
            let port = texts(&format!("input.{name}"), value)?;
            Ok((name, port))
        };
        return found.into_iter().map(port).collect();
    }
    Ok(vec![(
        String::new(),
        texts("input", toml::Value::Table(found))?,
    )])
}
