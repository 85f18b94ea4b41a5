// One sample forwards: a workgroup holds all neurons, and the loop over the steps runs here.
//
// Step k: spikes of earlier steps arrive, the outputs are observed, V and I advance, neurons at their threshold fire.
// Those of a step set a bit each in shared memory; by counting bits every spike finds its place in the list and on the
// tape, so that both are sorted by neuron whichever thread is first.

@group(0) @binding(3) var<storage, read> weights: array<f32>;
// Per sample, where the spikes of each step begin in the list of inputs that follows, and where the last ones end.
@group(0) @binding(4) var<storage, read> inputs: array<u32>;
@group(0) @binding(5) var<storage, read_write> tape: array<u32>;
// Voltages [sample, step and the end, output], or peaks [sample, output] of three numbers.
@group(0) @binding(6) var<storage, read_write> observed: array<f32>;
// V and I at the start of every step, after its arrivals, [sample, step, neuron, 2], where constants are trained.
@group(0) @binding(7) var<storage, read_write> starts: array<f32>;

// The bits of this step and of the next one.
var<workgroup> bits: array<atomic<u32>, 2u * WORDS>;
// The neurons that spiked in the step before.
var<workgroup> listed: array<u32, NEURONS>;
var<workgroup> not_finite: atomic<u32>;

fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(THREADS)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sample = group.x;
    let head = head_of(sample);
    let entries = entries_of(sample);
    let arrivals = sample * (STEPS + 1u);
    var v: array<f32, EACH>;
    var i: array<f32, EACH>;
    var b: array<f32, EACH>;
    var drive: array<f32, EACH>;
    var peak: array<f32, EACH>;
    var peak_step: array<u32, EACH>;
    var peak_drive: array<f32, EACH>;
    for (var j = 0u; j < EACH; j++) {
        let n = thread + j * THREADS;
        if n < NEURONS {
            v[j] = constant(V_START, n);
            b[j] = constant(B_START, n);
        }
        peak[j] = v[j];
    }
    if thread == 0u {
        atomicStore(&not_finite, NEURONS);
    }
    // Spikes on the tape before this step, and those of the step before.
    var count = 0u;
    var latest = 0u;
    for (var k = 0u; k < STEPS; k++) {
        for (var j = 0u; j < EACH; j++) {
            let n = thread + j * THREADS;
            if n >= NEURONS {
                continue;
            }
            let i_before = i[j];
            // [F5] I += w, spike by spike
            for (var p = 0u; p < PROJECTIONS; p++) {
                let to = n - table[p].target_first;
                if to >= table[p].target_size || k < table[p].lag {
                    continue;
                }
                let row = table[p].target_size;
                let w = table[p].weights + to;
                let sent = k - table[p].lag;
                if table[p].from_input == 1u {
                    let end = inputs[arrivals + sent + 1u];
                    for (var s = inputs[arrivals + sent]; s < end; s++) {
                        i[j] += weights[w + inputs[s] * row];
                    }
                } else if table[p].lag == 1u {
                    for (var s = 0u; s < latest; s++) {
                        let source = listed[s] - table[p].source_first;
                        if source < table[p].source_size {
                            i[j] += weights[w + source * row];
                        }
                    }
                } else {
                    let end = min(tape[head + sent + 1u], on.capacity);
                    for (var s = tape[head + sent]; s < end; s++) {
                        let source = tape[entries + s * ENTRY] - table[p].source_first;
                        if source < table[p].source_size {
                            i[j] += weights[w + source * row];
                        }
                    }
                }
            }
            let output = n - OUTPUT;
            if output < OUTPUTS {
                if on.observe == 1u {
                    observed[(sample * (STEPS + 1u) + k) * OUTPUTS + output] = v[j];
                }
                if v[j] > peak[j] {
                    peak[j] = v[j];
                    peak_step[j] = k;
                    peak_drive[j] = i_before - v[j];
                }
            }
        }
        let now = (k & 1u) * WORDS;
        var fired = 0u;
        for (var j = 0u; j < EACH; j++) {
            let n = thread + j * THREADS;
            if n >= NEURONS {
                continue;
            }
            let i_k = i[j];
            if TRAINED {
                let at = ((sample * STEPS + k) * NEURONS + n) * 2u;
                starts[at] = v[j];
                starts[at + 1u] = i_k;
            }
            // [F1] V ← V e^{−dt/τ_mem} + (I → V) I, [F2] I ← I e^{−dt/τ_syn}
            v[j] = v[j] * constant(DECAY_MEM, n) + i_k * constant(CURRENT_TO_VOLTAGE, n);
            i[j] = i_k * constant(DECAY_SYN, n);
            // [F10] B ← B e^{−dt/τ_B}
            b[j] = b[j] * constant(DECAY_B, n);
            // [F3] V ≥ ϑ + B
            if v[j] >= constant(THETA, n) + b[j] {
                // [F4], [F11] J = I − V + B τ_mem/τ_B
                drive[j] = i_k - v[j] + b[j] * constant(MEM_PER_B, n);
                v[j] = constant(V_RESET, n);
                fired |= 1u << j;
                atomicOr(&bits[now + n / 32u], 1u << (n % 32u));
            }
        }
        workgroupBarrier();
        for (var j = 0u; j < EACH; j++) {
            if (fired & (1u << j)) == 0u {
                continue;
            }
            let n = thread + j * THREADS;
            let word = n / 32u;
            var place = countOneBits(atomicLoad(&bits[now + word]) & ((1u << (n % 32u)) - 1u));
            for (var other = 0u; other < word; other++) {
                place += countOneBits(atomicLoad(&bits[now + other]));
            }
            listed[place] = n;
            if count + place < on.capacity {
                let entry = entries + (count + place) * ENTRY;
                tape[entry] = n;
                tape[entry + 1u] = bitcast<u32>(drive[j]);
                tape[entry + 2u] = bitcast<u32>(b[j]);
            }
            // [F11] B⁺ = B⁻ + β
            b[j] += constant(B_INCR, n);
        }
        latest = 0u;
        for (var word = 0u; word < WORDS; word++) {
            latest += countOneBits(atomicLoad(&bits[now + word]));
        }
        for (var word = thread; word < WORDS; word += THREADS) {
            atomicStore(&bits[WORDS - now + word], 0u);
        }
        if thread == 0u {
            tape[head + k] = count;
            tape[head + k + 1u] = count + latest;
        }
        count += latest;
        storageBarrier();
        workgroupBarrier();
    }
    for (var j = 0u; j < EACH; j++) {
        let n = thread + j * THREADS;
        if n >= NEURONS {
            continue;
        }
        if !is_finite(v[j]) || !is_finite(i[j]) {
            atomicMin(&not_finite, n);
        }
        let output = n - OUTPUT;
        if output < OUTPUTS {
            if on.observe == 1u {
                observed[(sample * (STEPS + 1u) + STEPS) * OUTPUTS + output] = v[j];
            }
            if on.observe == 2u {
                let at = (sample * OUTPUTS + output) * 3u;
                observed[at] = peak[j];
                observed[at + 1u] = bitcast<f32>(peak_step[j]);
                observed[at + 2u] = peak_drive[j];
            }
        }
    }
    workgroupBarrier();
    if thread == 0u {
        tape[head + STEPS + 1u] = atomicLoad(&not_finite);
    }
}
