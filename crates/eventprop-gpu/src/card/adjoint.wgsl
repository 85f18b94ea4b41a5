// One sample backwards over a window of steps, in the order of the solver on the processor.
//
// Step k: spikes of step k collect R from their targets, as these were when the spikes arrived; λ flows back over the
// step; peaks, the push on silent outputs and the spikes of the step make λ_V jump. A team of 32 threads multiplies a
// row of weights with λ_V − λ_I and adds its 32 sums in their order. λ_I of every step goes to the trace.

@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> tape: array<u32>;
// What of it is there, in this order: A [sample, step, output]; seed and step of peaks [sample, output, 2]; pushes on silent outputs
// [sample, output]; jumps after spikes [sample, neuron]; ∂L/∂t of spikes [sample, place on the tape].
@group(0) @binding(5) var<storage, read> seeds: array<f32>;
// λ_I [sample, row, neuron].
@group(0) @binding(6) var<storage, read_write> trace: array<f32>;
// Per sample: λ_V, λ_I, λ_B at the border of two windows, where constants are trained their sums so far, and λ_V − λ_I of the last LAGS steps, where spikes need more than one.
@group(0) @binding(7) var<storage, read_write> kept: array<f32>;

// V and I at the start of every step, [sample, step, neuron, 2], where constants are trained.
@group(0) @binding(8) var<storage, read> starts: array<f32>;

const TEAM = 32u;
const TEAMS = THREADS / TEAM;
// λ_V, λ_I, λ_B; sums of [G2], [G3], [G4], [G5] without the constants before them; step and λ_B B of the spike that was
// reached last.
const VARIABLES = select(3u, 9u, TRAINED);
const KEPT = (VARIABLES + LAGS) * NEURONS;
const RING = max(LAGS, 1u);

// λ_V − λ_I at the start of the step after this one.
var<workgroup> difference: array<f32, NEURONS>;
var<workgroup> partials: array<f32, THREADS>;
// Per neuron: R + ∂L/∂t of its spike in this step, and the place of that on the tape, from 1; 0 for none.
var<workgroup> pull: array<f32, NEURONS>;
var<workgroup> place_of: array<u32, NEURONS>;

@compute @workgroup_size(THREADS)
fn adjoint(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sample = group.x;
    let head = head_of(sample);
    let entries = entries_of(sample);
    let border = sample * KEPT;
    let behind = border + VARIABLES * NEURONS;
    let outputs_before = sample * OUTPUTS;
    let peaks = select(0u, on.samples * STEPS * OUTPUTS, (on.seeded & 1u) != 0u);
    let silent = peaks + select(0u, on.samples * OUTPUTS * 2u, (on.seeded & 2u) != 0u);
    let jumps = silent + select(0u, on.samples * OUTPUTS, (on.seeded & 4u) != 0u);
    let pulls = jumps + select(0u, on.samples * NEURONS, (on.seeded & 8u) != 0u);
    var lambda_v: array<f32, EACH>;
    var lambda_i: array<f32, EACH>;
    var lambda_b: array<f32, EACH>;
    var by_tau_mem: array<f32, EACH>;
    var by_tau_syn: array<f32, EACH>;
    var by_b_incr: array<f32, EACH>;
    var by_tau_b: array<f32, EACH>;
    var last_step: array<f32, EACH>;
    var last_product: array<f32, EACH>;
    for (var j = 0u; j < EACH; j++) {
        let n = thread + j * THREADS;
        if n >= NEURONS {
            continue;
        }
        if on.end < STEPS {
            lambda_v[j] = kept[border + n];
            lambda_i[j] = kept[border + NEURONS + n];
            lambda_b[j] = kept[border + 2u * NEURONS + n];
            if TRAINED {
                by_tau_mem[j] = kept[border + 3u * NEURONS + n];
                by_tau_syn[j] = kept[border + 4u * NEURONS + n];
                by_b_incr[j] = kept[border + 5u * NEURONS + n];
                by_tau_b[j] = kept[border + 6u * NEURONS + n];
                last_step[j] = kept[border + 7u * NEURONS + n];
                last_product[j] = kept[border + 8u * NEURONS + n];
            }
        }
        difference[n] = lambda_v[j] - lambda_i[j];
        place_of[n] = 0u;
    }
    workgroupBarrier();
    let team = thread / TEAM;
    let lane = thread % TEAM;
    for (var after = on.end; after > on.begin; after--) {
        let k = after - 1u;
        let first = tape[head + k];
        let spikes = tape[head + k + 1u] - first;
        for (var round = 0u; round < spikes; round += TEAMS) {
            let place = first + round + team;
            let is_there = round + team < spikes;
            var n = 0u;
            var sum = 0.0;
            if is_there {
                n = tape[entries + place * ENTRY];
                // [A4] R = Σ w (λ_V − λ_I), at the arrival
                for (var p = 0u; p < PROJECTIONS; p++) {
                    let source = n - table[p].source_first;
                    let arrival = k + table[p].lag;
                    if table[p].from_input == 1u || source >= table[p].source_size || arrival >= STEPS {
                        continue;
                    }
                    let row = table[p].weights + source * table[p].target_size;
                    let targets = table[p].target_first;
                    if table[p].lag == 1u {
                        for (var t = lane; t < table[p].target_size; t += TEAM) {
                            sum += weights[row + t] * difference[targets + t];
                        }
                    } else if LAGS > 0u {
                        let then = behind + (arrival % RING) * NEURONS + targets;
                        for (var t = lane; t < table[p].target_size; t += TEAM) {
                            sum += weights[row + t] * kept[then + t];
                        }
                    }
                }
            }
            partials[thread] = sum;
            workgroupBarrier();
            if is_there && lane == 0u {
                var r = 0.0;
                for (var other = 0u; other < TEAM; other++) {
                    r += partials[thread + other];
                }
                if (on.seeded & 16u) != 0u {
                    r += seeds[pulls + sample * on.capacity + place];
                }
                pull[n] = r;
                place_of[n] = place + 1u;
            }
            storageBarrier();
            workgroupBarrier();
        }
        for (var j = 0u; j < EACH; j++) {
            let n = thread + j * THREADS;
            if n >= NEURONS {
                continue;
            }
            if TRAINED {
                let at = ((sample * STEPS + k) * NEURONS + n) * 2u;
                let v = starts[at];
                let i = starts[at + 1u];
                // [G2], [G3]
                by_tau_mem[j] += lambda_v[j] * (v * constant(MEM_BY_V, n) + i * constant(MEM_BY_I, n));
                by_tau_syn[j] += (lambda_v[j] * constant(SYN_BY_LAMBDA_V, n) + lambda_i[j] * constant(SYN_BY_LAMBDA_I, n)) * i;
            }
            let output = n - OUTPUT;
            var a = 0.0;
            if (on.seeded & 1u) != 0u && output < OUTPUTS {
                a = seeds[(sample * STEPS + k) * OUTPUTS + output];
            }
            let v_above = lambda_v[j] - a;
            let i_above = lambda_i[j] - a;
            // [A1] λ_V ← A + (λ_V − A) e^{−dt/τ_mem}
            lambda_v[j] = a + v_above * constant(DECAY_MEM, n);
            // [A2] λ_I ← A + (λ_I − A) e^{−dt/τ_syn} + (λ_V − A) (λ_V → λ_I), with the λ_V of the later end
            lambda_i[j] = a + i_above * constant(DECAY_SYN, n) + v_above * constant(ADJOINT_COUPLING, n);
            // [A7] λ_B ← λ_B e^{−dt/τ_B}
            lambda_b[j] = lambda_b[j] * constant(DECAY_B, n);
            if output < OUTPUTS {
                if (on.seeded & 2u) != 0u {
                    let at = peaks + (outputs_before + output) * 2u;
                    if bitcast<u32>(seeds[at + 1u]) == k {
                        // [A5] λ_V⁻ = λ_V⁺ − ∂L/∂V_max / τ_mem
                        lambda_v[j] += seeds[at] / constant(TAU_MEM, n);
                    }
                }
                if (on.seeded & 4u) != 0u && k == max(STEPS, 2u) - 2u {
                    lambda_v[j] += seeds[silent + outputs_before + output];
                }
            }
            let place = place_of[n];
            if place > 0u {
                place_of[n] = 0u;
                let entry = entries + (place - 1u) * ENTRY;
                let drive = max(bitcast<f32>(tape[entry + 1u]), on.drive_least);
                let b = bitcast<f32>(tape[entry + 2u]);
                let share = constant(MEM_PER_B, n);
                let height = constant(THETA, n) - constant(V_RESET, n) + b - b * share;
                let v_plus = lambda_v[j];
                if TRAINED {
                    // [G4] Σ λ_B⁺
                    by_b_incr[j] += lambda_b[j];
                    // [G5] Σ steps · λ_B⁻ B⁻ of the spike behind this one
                    by_tau_b[j] += (last_step[j] - f32(k)) * last_product[j];
                }
                let r = pull[n] - constant(B_INCR, n) * lambda_b[j];
                // [A3], [A8] λ_V⁻ = λ_V⁺ + ((ϑ + B − V_reset − B τ_mem/τ_B) λ_V⁺ − β λ_B⁺ + R + ∂L/∂t)/J
                let v_minus = v_plus + (height * v_plus + r) / drive;
                // [A8] λ_B⁻ = λ_B⁺ − λ_V⁻ τ_mem/τ_B
                lambda_b[j] -= v_minus * share;
                lambda_v[j] = v_minus;
                last_step[j] = f32(k);
                last_product[j] = lambda_b[j] * b;
                if (on.seeded & 8u) != 0u {
                    // [R1], [R2]
                    lambda_v[j] += seeds[jumps + sample * NEURONS + n];
                }
            }
            trace[(sample * on.rows + k - on.begin) * NEURONS + n] = lambda_i[j];
            difference[n] = lambda_v[j] - lambda_i[j];
            if LAGS > 0u {
                kept[behind + (k % RING) * NEURONS + n] = difference[n];
            }
        }
        storageBarrier();
        workgroupBarrier();
    }
    for (var j = 0u; j < EACH; j++) {
        let n = thread + j * THREADS;
        if n < NEURONS {
            kept[border + n] = lambda_v[j];
            kept[border + NEURONS + n] = lambda_i[j];
            kept[border + 2u * NEURONS + n] = lambda_b[j];
            if TRAINED {
                if on.begin == 0u {
                    // A spike of step k ends the first k + 1 steps without one.
                    by_tau_b[j] += (last_step[j] + 1.0) * last_product[j];
                }
                kept[border + 3u * NEURONS + n] = by_tau_mem[j];
                kept[border + 4u * NEURONS + n] = by_tau_syn[j];
                kept[border + 5u * NEURONS + n] = by_b_incr[j];
                kept[border + 6u * NEURONS + n] = by_tau_b[j];
                kept[border + 7u * NEURONS + n] = last_step[j];
                kept[border + 8u * NEURONS + n] = last_product[j];
            }
        }
    }
}
