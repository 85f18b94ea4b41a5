//! The three kernels, compiled for one network.

use bytemuck::{Pod, Zeroable};
use wgpu::{
    BindGroupDescriptor, BindGroupEntry, CommandEncoder, CommandEncoderDescriptor,
    ComputePassDescriptor, ComputePipeline, ComputePipelineDescriptor, ShaderModuleDescriptor,
    ShaderSource,
};

use super::device::{Device, Memory};
use super::layout::Layout;

const NETWORK: &str = include_str!("network.wgsl");
/// Workgroups that one dimension of a dispatch has at least on every card.
pub const GROUPS_MOST: u32 = 65_535;

/// One pass over the batch, or a window of it; `Pass` of `network.wgsl`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Pass {
    pub samples: u32,
    pub capacity: u32,
    pub observe: u32,
    pub begin: u32,
    pub end: u32,
    pub rows: u32,
    pub seeded: u32,
    pub drive_least: f32,
}

/// The kernels.
#[derive(Debug)]
pub struct Kernels {
    pub forward: Kernel,
    pub adjoint: Kernel,
    pub gather: Kernel,
}

impl Kernels {
    /// Those of a network.
    pub fn new(device: &Device, layout: &Layout) -> Self {
        let declarations = layout.declarations();
        let kernel = |name, text: &str| Kernel::new(device, name, &declarations, text);
        Self {
            forward: kernel("forward", include_str!("forward.wgsl")),
            adjoint: kernel("adjoint", include_str!("adjoint.wgsl")),
            gather: kernel("gather", include_str!("gather.wgsl")),
        }
    }
}

/// One kernel.
#[derive(Debug)]
pub struct Kernel {
    name: &'static str,
    pipeline: ComputePipeline,
}

impl Kernel {
    fn new(device: &Device, name: &'static str, declarations: &str, text: &str) -> Self {
        let source = [declarations, NETWORK, text].concat();
        let module = device.wgpu.create_shader_module(ShaderModuleDescriptor {
            label: Some(name),
            source: ShaderSource::Wgsl(source.into()),
        });
        let pipeline = device
            .wgpu
            .create_compute_pipeline(&ComputePipelineDescriptor {
                label: Some(name),
                layout: None,
                module: &module,
                entry_point: Some(name),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            });
        Self { name, pipeline }
    }

    /// Notes down a run over so many workgroups. The memories are in the order of the kernel's bindings.
    pub fn run(
        &self,
        device: &Device,
        encoder: &mut CommandEncoder,
        memories: &[&Memory],
        groups: usize,
    ) {
        let entries = memories
            .iter()
            .zip(0..)
            .map(|(memory, binding)| BindGroupEntry {
                binding,
                resource: memory.get().as_entire_binding(),
            });
        let bound = device.wgpu.create_bind_group(&BindGroupDescriptor {
            label: Some(self.name),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &entries.collect::<Vec<_>>(),
        });
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor {
            label: Some(self.name),
            timestamp_writes: None,
        });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &bound, &[]);
        let groups = groups as u32;
        let across = groups.min(GROUPS_MOST);
        pass.dispatch_workgroups(across, groups.div_ceil(across.max(1)), 1);
    }
}

/// A list of commands for a device.
pub fn commands(device: &Device) -> CommandEncoder {
    device
        .wgpu
        .create_command_encoder(&CommandEncoderDescriptor { label: None })
}
