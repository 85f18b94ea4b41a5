// What all kernels know. Constants of the network stand before this text: see kernels.rs.

// A projection; synapses have the weights `weights` + source * target_size + target. `source_first` and `target_first` count the
// neurons of all populations but the input, or the inputs where `from_input` is 1.
struct Projection {
    source_first: u32,
    source_size: u32,
    target_first: u32,
    target_size: u32,
    weights: u32,
    // Steps from a spike to its arrival, at least 1.
    lag: u32,
    from_input: u32,
    // Workgroups of the gradient before those of this projection.
    groups_before: u32,
}

// One pass over the batch, or a window of it.
struct Pass {
    samples: u32,
    // Spikes of a sample that the tape has room for.
    capacity: u32,
    // 0: nothing, 1: voltages, 2: peaks.
    observe: u32,
    // Steps of the window, and those that a trace has room for.
    begin: u32,
    end: u32,
    rows: u32,
    // Parts of the seeds that are there: 1 voltages, 2 peaks, 4 silent, 8 jumps of regularisers, 16 pulls of spikes.
    seeded: u32,
    // The least drive.
    drive_least: f32,
}

@group(0) @binding(0) var<uniform> table: array<Projection, PROJECTIONS>;
@group(0) @binding(1) var<uniform> on: Pass;
// Per neuron, one constant after the other.
@group(0) @binding(2) var<storage, read> constants: array<f32>;

const DECAY_MEM = 0u;
const DECAY_SYN = 1u;
const CURRENT_TO_VOLTAGE = 2u;
const ADJOINT_COUPLING = 3u;
const THETA = 4u;
const V_RESET = 5u;
const V_START = 6u;
const B_START = 7u;
const DECAY_B = 8u;
const B_INCR = 9u;
const MEM_PER_B = 10u;
const TAU_MEM = 11u;
const TAU_SYN = 12u;
// Of λ_V V, λ_V I, λ_V I and λ_I I in [G2], [G3].
const MEM_BY_V = 13u;
const MEM_BY_I = 14u;
const SYN_BY_LAMBDA_V = 15u;
const SYN_BY_LAMBDA_I = 16u;

fn constant(which: u32, neuron: u32) -> f32 {
    return constants[which * NEURONS + neuron];
}

// The tape begins with a head per sample: where the spikes of each step begin, where those of the last one end, and the
// first neuron whose state is not finite, or NEURONS. Entries follow: neuron, drive J, rise B of the threshold.
const HEAD = STEPS + 2u;
const ENTRY = 3u;

fn head_of(sample: u32) -> u32 {
    return sample * HEAD;
}

fn entries_of(sample: u32) -> u32 {
    return on.samples * HEAD + sample * on.capacity * ENTRY;
}
