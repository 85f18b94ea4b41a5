//! The benchmarks: their tables of parameters, and their runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use eventprop_experiment::records::{Numbers, Of, RecordedArray};
use eventprop_experiment::run::{
    self, BatchProgress, Command, Control, Phase, Progress, RunError, Summary,
};
use eventprop_params::value::{NESTED_MAX, Value};
use eventprop_params::{Benchmark, Default as TableDefault, Parameters, Row};
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyMapping, PySequence, PyString};

use crate::datasets::source;
use crate::network::shaped;
use crate::{errors, pool};

fn benchmark(name: &str) -> PyResult<Benchmark> {
    name.parse().map_err(errors::value)
}

/// A value of Python as a value of a parameter: numbers, text and paths, what is a sequence or a mapping, and whatever
/// gives one of these as its list (NumPy, pandas, torch), also scalars and arrays without dimensions.
fn value(key: &str, given: &Bound<'_, PyAny>) -> PyResult<Value> {
    value_inside(key, given, NESTED_MAX)
}

/// The same for a value that may hold so many containers in each other.
fn value_inside(key: &str, given: &Bound<'_, PyAny>, nested: usize) -> PyResult<Value> {
    let kind = given.get_type().name()?;
    if given.is_none() {
        return Ok(Value::None);
    }
    if given.is_instance_of::<PyBool>() {
        return Ok(Value::Bool(given.is_truthy()?));
    }
    if given.is_instance_of::<PyString>() {
        return Ok(Value::Text(given.extract()?));
    }
    if given.hasattr("__fspath__")? {
        return Ok(Value::Text(given.str()?.extract()?));
    }
    let refused = |what: &str| PyTypeError::new_err(format!("{key} {what}"));
    let Some(inner) = nested.checked_sub(1) else {
        return Err(refused("holds too many lists in each other"));
    };
    if given.hasattr("tolist")? {
        return value_inside(key, &given.call_method0("tolist")?, inner);
    }
    if let Ok(entries) = given.cast::<PyMapping>() {
        let mut table = Vec::new();
        for entry in entries.items()?.iter() {
            let (name, given): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
            let name = name.extract::<String>();
            let name = name.map_err(|_| refused("has a name that is no text"))?;
            table.push((name, value_inside(key, &given, inner)?));
        }
        return Ok(Value::Table(table));
    }
    if !given.is_instance_of::<PyBytes>() && given.cast::<PySequence>().is_ok() {
        let items = given.try_iter()?;
        let items = items.map(|item| value_inside(key, &item?, inner));
        return Ok(Value::List(items.collect::<PyResult<_>>()?));
    }
    if given.hasattr("__index__")? {
        let int = given.extract::<i64>().map(Value::Int);
        return int.map_err(|_| errors::value(format!("{key} is a number beyond 64 bits")));
    }
    if given.hasattr("__float__")? {
        let float = given.extract::<f64>().map(Value::Float);
        return float.map_err(|_| refused(&format!("is a {kind} that is no number")));
    }
    Err(refused(&format!(
        "is a {kind}; parameters are numbers, text, None, lists and dictionaries"
    )))
}

/// A value of a parameter as Python has it.
fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Int(int) => int.into_pyobject(py)?.into_any(),
        Value::Float(float) => float.into_pyobject(py)?.into_any(),
        Value::Text(text) => text.into_pyobject(py)?.into_any(),
        Value::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(object(py, item)?)?;
            }
            list.into_any()
        }
        Value::Table(entries) => {
            let table = PyDict::new(py);
            for (name, value) in entries {
                table.set_item(name, object(py, value)?)?;
            }
            table.into_any()
        }
    })
}

/// The table of a benchmark: one dictionary per parameter.
#[pyfunction]
pub fn parameter_table<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
    let defaults = Parameters::new(benchmark(name)?);
    let table = PyList::empty(py);
    for (row, default) in defaults.iter() {
        let entry = PyDict::new(py);
        entry.set_item("key", row.key)?;
        entry.set_item("aliases", row.aliases.to_vec())?;
        entry.set_item("default", object(py, &default)?)?;
        entry.set_item("expected", row.kind.expected())?;
        entry.set_item("unit", row.unit)?;
        entry.set_item("meaning", row.meaning)?;
        entry.set_item("effect", row.effect)?;
        table.append(entry)?;
    }
    Ok(table)
}

/// The key that a key or alias names, and the value in the form in which it is kept.
#[pyfunction]
pub fn accept_parameter<'py>(
    py: Python<'py>,
    name: &str,
    key: &str,
    given: &Bound<'py, PyAny>,
) -> PyResult<(&'static str, Bound<'py, PyAny>)> {
    let benchmark = benchmark(name)?;
    let mut params = Parameters::new(benchmark);
    let given = value(key, given)?;
    params
        .set(key, given)
        .map_err(|error| errors::param(&error))?;
    let rows = benchmark.rows().iter();
    let row = rows
        .filter(|row| row.key == key || row.aliases.contains(&key))
        .max_by_key(|row| row.key == key)
        .expect("the key was just accepted");
    Ok((row.key, object(py, &params.get(row.key))?))
}

/// The keys and values of a preset.
#[pyfunction]
pub fn preset<'py>(py: Python<'py>, name: &str, preset: &str) -> PyResult<Bound<'py, PyDict>> {
    let mut params = Parameters::new(benchmark(name)?);
    params
        .preset(preset)
        .map_err(|error| errors::param(&error))?;
    let values = PyDict::new(py);
    for (row, value) in params.iter().filter(|(row, _)| params.is_given(row.key)) {
        values.set_item(row.key, object(py, &value)?)?;
    }
    Ok(values)
}

/// Parameters of a benchmark. A value that equals the default counts as not given, because a
/// dictionary that starts with all defaults does not tell the two apart. Where a default follows from
/// another key, a value stays what it was when that key changes: that comes last.
pub fn parameters(name: &str, given: &[(String, Bound<'_, PyAny>)]) -> PyResult<Parameters> {
    let benchmark = benchmark(name)?;
    let defaults = Parameters::new(benchmark);
    let mut params = Parameters::new(benchmark);
    let follows = |key: &str| {
        let row = benchmark.rows().iter().find(|row: &&Row| row.key == key);
        row.is_some_and(|row| matches!(row.default, TableDefault::Multiple { .. }))
    };
    let (last, first): (Vec<_>, Vec<_>) = given.iter().partition(|(key, _)| follows(key));
    for (entries, last) in [(first, false), (last, true)] {
        for (key, given) in entries {
            let mut alone = Parameters::new(benchmark);
            alone
                .set(key, value(key, given)?)
                .map_err(|error| errors::param(&error))?;
            let against = if last { &params } else { &defaults };
            let differs = against.get(key) != alone.get(key);
            if differs {
                let accepted = alone.get(key);
                params
                    .set(key, accepted)
                    .map_err(|error| errors::param(&error))?;
            }
        }
    }
    Ok(params)
}

/// A seed from the operating system, by way of the keys that the standard library draws for its hash
/// maps.
pub fn drawn_seed() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u32
}

/// The messages of a run, as text or numbers that outlive the moment.
enum Told {
    Notice(String),
    Started {
        network: String,
        loss: &'static str,
        seeds: Vec<(&'static str, u32)>,
        samples: [usize; 3],
        epochs: usize,
        folder: String,
    },
    Fold(usize, usize),
    Epoch(String),
    Recorded(Vec<Recorded>),
}

/// A recording that outlives its run.
struct Recorded {
    of: Of,
    name: String,
    shape: Vec<usize>,
    numbers: Owned,
}

enum Owned {
    F64(Vec<f64>),
    F32(Vec<f32>),
    I32(Vec<i32>),
}

impl From<RecordedArray<'_>> for Recorded {
    fn from(recording: RecordedArray<'_>) -> Self {
        Self {
            of: recording.of,
            name: recording.name,
            shape: recording.shape,
            numbers: match recording.numbers {
                Numbers::F64(values) => Owned::F64(values.to_vec()),
                Numbers::F32(values) => Owned::F32(values.to_vec()),
                Numbers::I32(values) => Owned::I32(values.to_vec()),
            },
        }
    }
}

/// Runs a benchmark and returns its summary as JSON. `hear` is called in this thread with what
/// happens: a word and its particulars. A pending signal stops the run after the current batch; what
/// was done until then is written, and the signal's exception is raised. While data are being read it is
/// raised at once, and the reading ends unheard.
#[pyfunction]
pub fn run_benchmark(
    py: Python<'_>,
    name: &str,
    command: &str,
    params: Vec<(String, Bound<'_, PyAny>)>,
    data_dir: Option<PathBuf>,
    hear: &Bound<'_, PyAny>,
) -> PyResult<String> {
    let command: Command = command.parse().map_err(errors::value)?;
    let mut params = parameters(name, &params)?;
    params.draw_seeds(drawn_seed);
    let source = source(data_dir.as_deref());
    let pool = pool::pool()?;
    let (sender, receiver) = channel();
    let hear = hear.clone().unbind();
    let ended = py.detach(move || {
        let cancel = Arc::new(AtomicBool::new(false));
        let latest = Arc::new(Mutex::new(None));
        let worker = std::thread::spawn({
            let (cancel, latest) = (Arc::clone(&cancel), Arc::clone(&latest));
            move || {
                let mut observer = |progress: &Progress<'_>| tell(progress, &sender, &latest);
                let mut control = Control::new(&mut observer, &cancel);
                pool.install(|| {
                    run::run(
                        command,
                        &params,
                        &source,
                        eventprop_report::draw,
                        &mut control,
                    )
                })
            }
        });
        let heard = listen(&receiver, &latest, &cancel, &hear);
        if let Err(Stopped {
            exception,
            begun: false,
        }) = heard
        {
            return Err(exception);
        }
        let ended: Result<Summary, RunError> = worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        heard.map_err(|stopped| stopped.exception)?;
        Ok(ended)
    })?;
    let summary = ended.map_err(|error| errors::run(&error))?;
    if summary.cancelled {
        return Err(PyKeyboardInterrupt::new_err(()));
    }
    Ok(summary.to_json().to_string())
}

/// Passes on what the run tells. Batches come too often for Python; only the latest is kept.
fn tell(progress: &Progress<'_>, sender: &Sender<Told>, latest: &Mutex<Option<BatchProgress>>) {
    let told = match progress {
        Progress::Batch(batch) => {
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(*batch);
            return;
        }
        Progress::Result(_) => return,
        Progress::Notice(text) => Told::Notice((*text).to_owned()),
        Progress::Started(started) => Told::Started {
            network: started.network.clone(),
            loss: started.loss,
            seeds: started.seeds.clone(),
            samples: started.samples,
            epochs: started.epochs,
            folder: started.folder.display().to_string(),
        },
        Progress::Fold { fold, folds, .. } => Told::Fold(*fold, *folds),
        Progress::Epoch(report) => Told::Epoch(report.metrics().to_string()),
        Progress::Recorded(recorder) => {
            let recordings = recorder.recordings().into_iter();
            Told::Recorded(recordings.map(Recorded::from).collect())
        }
    };
    // A listener that has gone has an exception to raise and wants to hear no more.
    let _ = sender.send(told);
}

/// A run that Python wants to end.
struct Stopped {
    /// Why.
    exception: PyErr,
    /// True if its data had been read and the work had begun.
    begun: bool,
}

/// Calls Python with what is told until the run ends, or was stopped before it began.
fn listen(
    receiver: &Receiver<Told>,
    latest: &Mutex<Option<BatchProgress>>,
    cancel: &AtomicBool,
    hear: &Py<PyAny>,
) -> Result<(), Stopped> {
    let mut begun = false;
    let mut heard = Ok(());
    loop {
        let told = match receiver.recv_timeout(pool::LOOK) {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return heard,
        };
        begun |= matches!(told, Some(Told::Started { .. }));
        if heard.is_err() {
            continue;
        }
        let called = Python::attach(|py| {
            py.check_signals()?;
            let hear = hear.bind(py);
            match told {
                Some(told) => call(hear, told),
                None => match *latest.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(batch) => call_batch(hear, batch),
                    None => Ok(()),
                },
            }
        });
        if let Err(exception) = called {
            cancel.store(true, Ordering::Relaxed);
            heard = Err(Stopped { exception, begun });
            if !begun {
                return heard;
            }
        }
    }
}

fn call(hear: &Bound<'_, PyAny>, told: Told) -> PyResult<()> {
    let py = hear.py();
    let particulars = PyDict::new(py);
    let word = match told {
        Told::Notice(text) => {
            particulars.set_item("text", text)?;
            "notice"
        }
        Told::Started {
            network,
            loss,
            seeds,
            samples,
            epochs,
            folder,
        } => {
            particulars.set_item("network", network)?;
            particulars.set_item("loss", loss)?;
            particulars.set_item("seeds", seeds)?;
            particulars.set_item("samples", samples)?;
            particulars.set_item("epochs", epochs)?;
            particulars.set_item("folder", folder)?;
            "started"
        }
        Told::Fold(fold, folds) => {
            particulars.set_item("fold", fold)?;
            particulars.set_item("folds", folds)?;
            "fold"
        }
        Told::Epoch(metrics) => {
            particulars.set_item("metrics", metrics)?;
            "epoch"
        }
        Told::Recorded(all) => {
            let list = PyList::empty(py);
            for Recorded {
                of,
                name,
                shape,
                numbers,
            } in all
            {
                let of = match of {
                    Of::Spikes => "spikes",
                    Of::Neurons => "neurons",
                    Of::Synapses => "synapses",
                };
                let values = match numbers {
                    Owned::F64(values) => shaped(py, values, &shape)?.into_any(),
                    Owned::F32(values) => shaped(py, values, &shape)?.into_any(),
                    Owned::I32(values) => shaped(py, values, &shape)?.into_any(),
                };
                list.append((of, name, values))?;
            }
            particulars.set_item("all", list)?;
            "recorded"
        }
    };
    hear.call1((word, particulars)).map(drop)
}

fn call_batch(hear: &Bound<'_, PyAny>, batch: BatchProgress) -> PyResult<()> {
    let particulars = PyDict::new(hear.py());
    let phase = match batch.phase {
        Phase::Train => "train",
        Phase::Validation => "validation",
        Phase::Test => "test",
    };
    particulars.set_item("phase", phase)?;
    particulars.set_item("epoch", batch.epoch)?;
    particulars.set_item("samples_done", batch.samples_done)?;
    particulars.set_item("samples", batch.samples)?;
    particulars.set_item("loss", batch.loss)?;
    particulars.set_item("accuracy", batch.accuracy)?;
    hear.call1(("batch", particulars)).map(drop)
}
