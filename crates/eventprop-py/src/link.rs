//! Messages to other processes by way of Python, whose library for MPI they belong to.

use eventprop::real::{Numbers, NumbersMut};
use eventprop::reduce::{Link, ReduceError};
use numpy::{Element, PyArray1, PyArrayMethods};
use pyo3::prelude::*;

/// A `Link` of the package. Its calls return the rank that has failed, or `None`.
#[derive(Debug)]
pub struct PyLink {
    rank: usize,
    ranks: usize,
    object: Py<PyAny>,
}

impl PyLink {
    /// The link in Python.
    pub fn new(object: Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            rank: object.getattr("rank")?.extract()?,
            ranks: object.getattr("ranks")?.extract()?,
            object: object.unbind(),
        })
    }

    fn call<T: Element>(
        &self,
        py: Python<'_>,
        verb: &str,
        (rank, numbers): (usize, &Bound<'_, PyArray1<T>>),
    ) -> Result<(), ReduceError> {
        let called = self.object.bind(py).call_method1(verb, (rank, numbers));
        let failed = called.and_then(|failed| failed.extract::<Option<usize>>());
        match failed {
            Ok(None) => Ok(()),
            Ok(Some(rank)) => Err(ReduceError::Failed { rank }),
            Err(error) => Err(ReduceError::Lost {
                why: error.to_string(),
            }),
        }
    }

    fn put<T: Element>(&self, to: usize, numbers: &[T]) -> Result<(), ReduceError> {
        Python::attach(|py| {
            let array = PyArray1::from_slice(py, numbers);
            self.call(py, "send", (to, &array))
        })
    }

    fn take<T: Element + Copy>(&self, from: usize, numbers: &mut [T]) -> Result<(), ReduceError> {
        Python::attach(|py| {
            let array = PyArray1::from_slice(py, numbers);
            self.call(py, "receive", (from, &array))?;
            let array = array.readonly();
            let found = array.as_slice().expect("a new array has no gaps");
            numbers.copy_from_slice(found);
            Ok(())
        })
    }
}

impl Link for PyLink {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    fn send_counts(&mut self, to: usize, counts: &[u64]) -> Result<(), ReduceError> {
        self.put(to, counts)
    }

    fn receive_counts(&mut self, from: usize, counts: &mut [u64]) -> Result<(), ReduceError> {
        self.take(from, counts)
    }

    fn send(&mut self, to: usize, numbers: Numbers<'_>) -> Result<(), ReduceError> {
        match numbers {
            Numbers::F32(list) => self.put(to, list),
            Numbers::F64(list) => self.put(to, list),
        }
    }

    fn receive(&mut self, from: usize, numbers: NumbersMut<'_>) -> Result<(), ReduceError> {
        match numbers {
            NumbersMut::F32(list) => self.take(from, list),
            NumbersMut::F64(list) => self.take(from, list),
        }
    }

    fn fail(&mut self) {
        Python::attach(|py| {
            // Who cannot be told any more has ended.
            let _told = self.object.bind(py).call_method0("fail");
        });
    }
}
