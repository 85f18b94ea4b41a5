// The gradient of a window: a workgroup takes one source and a block of its targets, and goes through the arrivals of
// the source from the last to the first, sample by sample within a step. One thread writes each number, and the order
// of its summands does not depend on the windows.

// Where the spikes of each source begin, inputs first; then (step, sample) of every spike, from the last step to the first.
@group(0) @binding(3) var<storage, read> spikes: array<u32>;
// λ_I [sample, row, neuron].
@group(0) @binding(4) var<storage, read> trace: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(BLOCK)
fn gather(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let number = group.x + group.y * groups.x;
    if number >= GROUPS {
        return;
    }
    var p = 0u;
    while p + 1u < PROJECTIONS && table[p + 1u].groups_before <= number {
        p++;
    }
    let target_size = table[p].target_size;
    let blocks = (target_size + BLOCK - 1u) / BLOCK;
    let within = number - table[p].groups_before;
    let source = within / blocks;
    let to = (within % blocks) * BLOCK + thread;
    if to >= target_size {
        return;
    }
    let list = source + select(INPUTS + table[p].source_first, 0u, table[p].from_input == 1u);
    let lag = table[p].lag;
    let end = spikes[list + 1u];
    // The first spike that arrives within the window or before it.
    var at = spikes[list];
    var behind = end;
    while at < behind {
        let middle = (at + behind) / 2u;
        if spikes[middle * 2u] + lag >= on.end {
            at = middle + 1u;
        } else {
            behind = middle;
        }
    }
    let neuron = table[p].target_first + to;
    let weight = table[p].weights + source * target_size + to;
    var sum = 0.0;
    if on.end < STEPS {
        sum = gradient[weight];
    }
    for (; at < end; at++) {
        let arrival = spikes[at * 2u] + lag;
        if arrival < on.begin {
            break;
        }
        let sample = spikes[at * 2u + 1u];
        sum += trace[(sample * on.rows + arrival - on.begin) * NEURONS + neuron];
    }
    // [G1] ∂L/∂w = −τ_syn Σ λ_I
    gradient[weight] = select(sum, -constant(TAU_SYN, neuron) * sum, on.begin == 0u);
}
