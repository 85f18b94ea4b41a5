//! A card: which there are, the one that is opened, and memory on it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventprop::solver::SolveError;
use wgpu::{
    Adapter, Backends, Buffer, BufferDescriptor, BufferUsages, CommandEncoder, DeviceDescriptor,
    DeviceType, Instance, InstanceDescriptor, Limits, MapMode, PollType, Queue,
};

use crate::info::{DeviceError, DeviceInfo, Named};

/// A graphics card that a user has named; whether it is there shows when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card(Named);

impl Card {
    /// The card of this name.
    ///
    /// # Errors
    /// None.
    pub fn new(named: Named) -> Result<Self, DeviceError> {
        Ok(Self(named))
    }

    /// Checks that the card is there.
    ///
    /// # Errors
    /// A card that is not there, or whose driver refuses.
    pub fn check(&self) -> Result<(), DeviceError> {
        Device::open(self).map(|_| ())
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Named::First => f.write_str("gpu"),
            Named::Number(number) => write!(f, "gpu:{number}"),
        }
    }
}

/// The devices of this machine; their numbers are their places in the list. Software drivers come last.
///
/// # Errors
/// None: the list may be empty.
pub fn devices() -> Result<Vec<DeviceInfo>, DeviceError> {
    Ok(adapters().iter().map(info).collect())
}

fn adapters() -> Vec<Adapter> {
    let backends = Backends::VULKAN | Backends::METAL;
    let instance = Instance::new(InstanceDescriptor {
        backends,
        ..InstanceDescriptor::new_without_display_handle()
    });
    let mut adapters = pollster::block_on(instance.enumerate_adapters(backends));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    });
    adapters
}

fn info(adapter: &Adapter) -> DeviceInfo {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    DeviceInfo {
        name: info.name,
        driver: format!("{} {}", info.driver, info.driver_info),
        kind: match info.device_type {
            DeviceType::DiscreteGpu => "card of its own memory",
            DeviceType::IntegratedGpu => "card that shares the memory of the processor",
            DeviceType::VirtualGpu => "card of a virtual machine",
            DeviceType::Cpu => "driver that computes on the processor",
            DeviceType::Other => "unknown",
        },
        is_software: info.device_type == DeviceType::Cpu,
        buffer_most: largest_buffer(&limits),
        shared_most: u64::from(limits.max_compute_workgroup_storage_size),
    }
}

const OTHER: &str = "choose a device that `eventprop devices` lists, or the device cpu";

/// The first device that is no software driver.
fn first(infos: &[DeviceInfo]) -> Result<usize, DeviceError> {
    let found = infos.iter().position(|info| !info.is_software);
    found.ok_or_else(|| match infos.first() {
        None => none(),
        Some(info) => DeviceError {
            problem: format!(
                "there is no graphics card, but a driver that computes on the processor, {}, which is slower than the device cpu",
                info.name
            ),
            way_out: "choose cpu, or gpu:0 if you want this driver",
        },
    })
}

fn none() -> DeviceError {
    DeviceError {
        problem: "there is no graphics card with a driver for Vulkan".to_owned(),
        way_out: "install the driver of the card (`vulkaninfo --summary` shows what the system has), or choose the device cpu",
    }
}

fn no_such(number: usize, infos: &[DeviceInfo]) -> DeviceError {
    if infos.is_empty() {
        return none();
    }
    let each = infos.iter().enumerate();
    let known: Vec<_> = each
        .map(|(number, info)| format!("gpu:{number} ({})", info.name))
        .collect();
    DeviceError {
        problem: format!("there is no gpu:{number}, but {}", known.join(", ")),
        way_out: OTHER,
    }
}

fn largest_buffer(limits: &Limits) -> u64 {
    // A binding must be a multiple of four bytes.
    limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size)
        / 4
        * 4
}

/// Failures of a device that nobody has been told of yet.
#[derive(Debug, Default)]
struct Faults {
    /// The message of a driver that has lost the device, which stays so.
    lost: Option<String>,
    /// The first other failure, which is the cause of those behind it.
    first: Option<String>,
}

type Shared = Arc<Mutex<Faults>>;

fn of(faults: &Shared) -> MutexGuard<'_, Faults> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A card that is open.
#[derive(Debug, Clone)]
pub struct Device {
    pub name: String,
    pub wgpu: wgpu::Device,
    pub queue: Queue,
    /// Bytes of the largest buffer.
    pub buffer_most: u64,
    /// Bytes that the threads of a workgroup can share.
    pub shared_most: usize,
    faults: Shared,
}

impl Device {
    /// Opens a card.
    pub fn open(card: &Card) -> Result<Self, DeviceError> {
        let adapters = adapters();
        let infos: Vec<DeviceInfo> = adapters.iter().map(info).collect();
        let number = match card.0 {
            Named::Number(number) => number,
            Named::First => first(&infos)?,
        };
        let (Some(adapter), Some(info)) = (adapters.get(number), infos.get(number)) else {
            return Err(no_such(number, &infos));
        };
        let limits = adapter.limits();
        let descriptor = DeviceDescriptor {
            required_limits: limits.clone(),
            ..DeviceDescriptor::default()
        };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (wgpu, queue) = opened.map_err(|error| DeviceError {
            problem: format!("the driver of {} refuses: {error}", info.name),
            way_out: OTHER,
        })?;
        let faults = Shared::default();
        let (lost, failed) = (Arc::clone(&faults), Arc::clone(&faults));
        wgpu.set_device_lost_callback(move |reason, message| {
            of(&lost).lost = Some(format!("it was lost ({reason:?}, {message})"));
        });
        wgpu.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let problem = match error {
                wgpu::Error::OutOfMemory { .. } => "it has not enough memory".to_owned(),
                other => other.to_string(),
            };
            of(&failed).first.get_or_insert(problem);
        }));
        Ok(Self {
            name: info.name.clone(),
            wgpu,
            queue,
            buffer_most: largest_buffer(&limits),
            shared_most: limits.max_compute_workgroup_storage_size as usize,
            faults,
        })
    }

    /// The error of a solver that this device makes of a problem.
    pub fn error(&self, problem: String) -> SolveError {
        SolveError::Device {
            device: self.name.clone(),
            problem,
            way_out: "take fewer samples in a batch (N_BATCH) where memory is short, look at the log of the driver where the device was lost, or solve on the processor (DEVICE=cpu)",
        }
    }

    /// The error of what has gone wrong so far, if anything has.
    pub fn check(&self) -> Result<(), SolveError> {
        let Some(first) = of(&self.faults).first.take() else {
            return Ok(());
        };
        // Whoever works on a lost device fails before the driver says that it is lost.
        let polled = self.wgpu.poll(PollType::Poll);
        let lost = of(&self.faults).lost.clone();
        let problem = lost.or_else(|| polled.err().map(|error| error.to_string()));
        Err(self.error(problem.unwrap_or(first)))
    }

    /// Gives a memory at least so many bytes; what it held is lost if it grows.
    pub fn grow(&self, memory: &mut Memory, bytes: u64) -> Result<(), SolveError> {
        let bytes = bytes.max(16).next_multiple_of(16);
        if memory.bytes() >= bytes {
            return Ok(());
        }
        if bytes > self.buffer_most {
            let (mb, most) = (bytes as f64 / 1e6, self.buffer_most as f64 / 1e6);
            let what = memory.what;
            return Err(self.error(format!(
                "{what} of the batch take {mb:.1} MB, and its largest buffer has {most:.1} MB"
            )));
        }
        memory.buffer = Some(self.wgpu.create_buffer(&BufferDescriptor {
            label: Some(memory.what),
            size: bytes,
            usage: memory.usage | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        }));
        self.check()
    }

    /// Writes numbers to the beginning of a memory, which grows where it must.
    pub fn write<T: bytemuck::Pod>(
        &self,
        memory: &mut Memory,
        numbers: &[T],
    ) -> Result<(), SolveError> {
        let bytes: &[u8] = bytemuck::cast_slice(numbers);
        self.grow(memory, bytes.len() as u64)?;
        self.queue.write_buffer(memory.get(), 0, bytes);
        Ok(())
    }

    /// Runs commands, and gives `into` the numbers of a memory that can be read.
    pub fn read<T: bytemuck::Pod>(
        &self,
        encoder: CommandEncoder,
        (memory, numbers): (&Memory, usize),
        into: &mut Vec<T>,
    ) -> Result<(), SolveError> {
        self.queue.submit([encoder.finish()]);
        into.clear();
        if numbers == 0 {
            return self.check();
        }
        let bytes = (numbers * size_of::<T>()) as u64;
        let slice = memory.get().slice(..bytes);
        let faults = Arc::clone(&self.faults);
        slice.map_async(MapMode::Read, move |mapped| {
            if let Err(error) = mapped {
                let problem = format!("its memory cannot be read: {error}");
                of(&faults).first.get_or_insert(problem);
            }
        });
        if let Err(error) = self.wgpu.poll(PollType::wait_indefinitely()) {
            of(&self.faults).first.get_or_insert(error.to_string());
        }
        self.check()?;
        let view = slice.get_mapped_range();
        let view = view.map_err(|error| self.error(error.to_string()))?;
        into.extend_from_slice(bytemuck::cast_slice(&view));
        drop(view);
        memory.get().unmap();
        Ok(())
    }
}

/// A buffer that grows.
#[derive(Debug)]
pub struct Memory {
    what: &'static str,
    usage: BufferUsages,
    buffer: Option<Buffer>,
}

impl Memory {
    /// One that kernels read and write.
    pub fn storage(what: &'static str) -> Self {
        Self {
            what,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC,
            buffer: None,
        }
    }

    /// One that kernels read as constants.
    pub fn uniform(what: &'static str) -> Self {
        Self {
            usage: BufferUsages::UNIFORM,
            ..Self::storage(what)
        }
    }

    /// One that the processor reads.
    pub fn readable(what: &'static str) -> Self {
        Self {
            usage: BufferUsages::MAP_READ,
            ..Self::storage(what)
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> u64 {
        self.buffer.as_ref().map_or(0, Buffer::size)
    }

    /// The buffer.
    pub fn get(&self) -> &Buffer {
        self.buffer
            .as_ref()
            .expect("memory is given its size before it is used")
    }
}
