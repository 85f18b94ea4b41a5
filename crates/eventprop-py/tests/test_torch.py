"""Networks as modules of PyTorch. These tests run where torch is installed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import eventprop as ep
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from eventprop.torch import EventProp  # noqa: E402


def two_layers(solver: str) -> tuple[ep.Network, ep.Network, ep.Network]:
    """A network, and the same in two parts."""
    sizes = {"in": 3, "hid": 5, "out": 2}
    rng = np.random.default_rng(2)
    first, second = rng.normal(2.5, 0.5, (3, 5)), rng.normal(0.6, 0.4, (5, 2))
    both, upper, lower = (ep.Network(dt=1.0, trial=25.0) for _ in range(3))
    x = both.add_input("in", sizes["in"])
    h, y = both.add_lif("hid", sizes["hid"]), both.add_li("out", sizes["out"])
    if solver == "event":
        both = ep.Network(dt=1.0, trial=25.0)
        x, h, y = both.add_input("in", 3), both.add_lif("hid", 5), both.add_lif("out", 2)
    both.connect(x, h, first)
    both.connect(h, y, second)
    upper.connect(upper.add_input("in", 3), upper.add_lif("hid", 5), first)
    hidden = lower.add_input("hid", 5)
    lower.connect(hidden, lower.add_lif("out", 2) if solver == "event" else lower.add_li("out", 2), second)
    return both, upper, lower


def spikes() -> Any:
    x = torch.zeros(25, 2, 3, dtype=torch.float64)
    rng = np.random.default_rng(5)
    for sample in range(2):
        x[rng.integers(0, 15, 9), sample, rng.integers(0, 3, 9)] = 1.0
    return x


def close(one: Any, other: Any) -> None:
    scale = float(other.abs().max())
    assert scale > 0
    assert float((one - other).abs().max()) <= 1e-6 * scale


@pytest.mark.parametrize("output", ["voltage", "spikes", "times"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_spikes_are_the_tensor_that_they_make(output: str, batch_first: bool) -> None:
    _, upper, lower = two_layers("grid")
    module = EventProp(lower if output == "voltage" else upper, output, inputs="time", solver="grid64", batch_first=batch_first)
    rng = np.random.default_rng(3)
    batch = ep.Spikes.from_dense(rng.random((4, 25, module._layer.input.size)) < 0.3, dt=1.0)
    dense = torch.tensor(batch.to_dense(25, dt=1, neurons=module._layer.input.size), dtype=torch.float64)
    grads = []
    for x in (batch, dense if batch_first else dense.transpose(0, 1)):
        module.zero_grad()
        out = module(x)
        seen = torch.where(torch.isfinite(out), out, 0.0)
        (seen * torch.linspace(-1, 1, out.numel(), dtype=torch.float64).reshape(out.shape)).sum().backward()
        grads.append((out.detach(), *(param.grad.clone() for param in module.parameters())))
    assert all(torch.equal(one, other) for one, other in zip(*grads))
    assert float(grads[0][1].abs().max()) > 0


def test_two_modules_are_one_network_on_steps() -> None:
    both, upper, lower = two_layers("grid64")
    x = spikes()
    whole = EventProp(both, inputs="time", solver="grid64")
    first = EventProp(upper, "spikes", inputs="time", solver="grid64")
    second = EventProp(lower, inputs="time", solver="grid64")
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected, found = whole(a), second(first(b))
    assert torch.equal(expected, found)
    pull = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64).reshape(expected.shape)
    (expected * pull).sum().backward()
    (found * pull).sum().backward()
    close(getattr(first, "in->hid").grad, getattr(whole, "in->hid").grad)
    close(getattr(second, "hid->out").grad, getattr(whole, "hid->out").grad)
    close(b.grad, a.grad)


def test_two_modules_are_one_network_between_events() -> None:
    both, upper, lower = two_layers("event")
    times = torch.tensor(np.random.default_rng(7).uniform(0.5, 14.0, (2, 3, 4)))
    times[0, 1, 2:] = torch.inf
    whole = EventProp(both, "times", inputs="times", solver="event")
    first = EventProp(upper, "times", inputs="times", solver="event")
    second = EventProp(lower, "times", inputs="times", solver="event")
    a, b = times.clone().requires_grad_(), times.clone().requires_grad_()
    expected, found = whole(a), second(first(b))
    assert torch.allclose(expected, found, rtol=1e-12)
    for out in (expected, found):
        torch.where(torch.isfinite(out), torch.sin(out), 0.0).sum().backward()
    close(getattr(first, "in->hid").grad, getattr(whole, "in->hid").grad)
    close(b.grad, a.grad)
    assert (b.grad[0, 1, 2:] == 0).all()


def test_an_encoder_learns_through_the_module() -> None:
    """An encoder of torch → EventProp → a linear head."""
    torch.manual_seed(0)
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    x, h = net.add_input("in", 8), net.add_lif("hid", 16)
    net.connect(x, h, ep.Normal(0.6, 0.3))
    net.connect(h, net.add_li("out", 8), ep.Normal(0.2, 0.5))

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU())
            self.spiking = EventProp(net, batch_first=True)
            self.head = torch.nn.Linear(8, 2)

        def forward(self, values: Any) -> Any:
            amplitudes = self.encoder(values)[:, None, :].expand(-1, 20, -1) / 2
            return self.head(self.spiking(amplitudes).amax(1))

    model = Model()
    values = torch.randn(64, 4)
    labels = (values[:, 0] > values[:, 1]).long()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    before = {name: value.clone() for name, value in model.named_parameters()}
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(values), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(not torch.equal(value, before[name]) for name, value in model.named_parameters())


def small(**settings: Any) -> Any:
    net = ep.Network(dt=1.0, trial=25.0, seed=2)
    x, h = net.add_input("in", 3), net.add_lif("hid", 4, trainable=["tau_mem"])
    net.connect(x, h, ep.Normal(2.5, 0.5))
    net.connect(h, net.add_li("out", 2), ep.Normal(0.3, 0.5))
    return EventProp(net, **settings)


def test_gradients_agree_with_differences() -> None:
    """Amplitudes reach leaky integrators only: on steps, V is linear in them, and so in weights."""
    net = ep.Network(dt=1.0, trial=12.0, seed=2)
    net.connect(net.add_input("in", 2), net.add_li("out", 2), ep.Normal(0.3, 0.5))
    module = EventProp(net, solver="grid64", batch_first=True)
    x = torch.randn(2, 12, 2, dtype=torch.float64, requires_grad=True)
    weight = getattr(module, "in->out")
    assert torch.autograd.gradcheck(lambda x, _: module(x), (x, weight), atol=1e-9)


def test_layouts_and_copies() -> None:
    module = small()
    x = spikes().float()
    out = module(x)
    assert out.shape == (25, 2, 2) and out.dtype == torch.float32
    first = small(batch_first=True)
    first.load_state_dict(module.state_dict())
    assert torch.equal(first(x.transpose(0, 1)).transpose(0, 1), out)
    assert set(module.state_dict()) == {"in->hid", "hid->out", "hid:tau_mem"}
    for same in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(same(x), out)
        with torch.no_grad():
            getattr(same, "hid->out").mul_(2.0)
        assert torch.allclose(same(x), 2 * out) and torch.equal(module(x), out)
    net = module.network()
    seen = net.forward(ep.Spikes.from_dense(x.numpy(), layout="TBN"), observe="out.V")["out.V"]
    assert np.array_equal(seen[:, 1:], out.transpose(0, 1).detach().numpy())
    # Not contiguous, and without a gradient.
    assert torch.equal(module(x.repeat(1, 1, 2)[:, :, :3]), out)
    assert not small().requires_grad_(False)(x).requires_grad


def test_one_module_twice_in_a_graph() -> None:
    module = small()
    x = spikes().float()
    (module(x).sum() + 2 * module(x.flip(1)).sum()).backward()
    once = getattr(module, "hid->out").grad.clone()
    module.zero_grad()
    module(x).sum().backward()
    assert torch.allclose(once, 3 * getattr(module, "hid->out").grad, rtol=1e-4)


def test_a_tape_that_is_gone_is_solved_again() -> None:
    module = small()
    x = spikes().float()
    kept = module(x)
    others = [module(x) for _ in range(20)]
    kept.sum().backward(retain_graph=True)
    first = getattr(module, "hid->out").grad.clone()
    module.zero_grad()
    others[-1].sum().backward()
    assert torch.equal(getattr(module, "hid->out").grad, first)
    module.zero_grad()
    kept.sum().backward()
    assert torch.equal(getattr(module, "hid->out").grad, first)


def test_compiled_modules_compute_the_same() -> None:
    module = small()
    x = spikes().float().requires_grad_()
    out = module(x)
    out.square().sum().backward()
    expected = (x.grad.clone(), getattr(module, "in->hid").grad.clone())
    x.grad = None
    module.zero_grad()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    found = compiled(x)
    assert torch.equal(found, out)
    found.square().sum().backward()
    assert torch.equal(x.grad, expected[0]) and torch.equal(getattr(module, "in->hid").grad, expected[1])


@pytest.mark.filterwarnings("ignore:.*fork:RuntimeWarning")  # of JAX, where its tests ran in this process
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_data_loaders_with_workers() -> None:
    data = torch.utils.data.TensorDataset(spikes().float().transpose(0, 1))
    module = small(batch_first=True)
    for (x,) in torch.utils.data.DataLoader(data, batch_size=1, num_workers=1):
        module(x).sum().backward()
    assert getattr(module, "in->hid").grad.abs().sum() > 0


def test_what_is_given_wrongly_is_named() -> None:
    module, x = small(), spikes().float()
    with pytest.raises(ValueError, match=r"x has shape \(2, 24, 3\); expected \(any, 25, 3\)"):
        module(x[:24])
    with pytest.raises(ValueError, match="expected three dimensions"):
        module(x[0])
    with pytest.raises(TypeError, match="expected a tensor"):
        module(x.numpy())
    with pytest.raises(ValueError, match="the solvers compute on the CPU"):
        module(x.to("meta"))
    with pytest.raises(ValueError, match="is nan"):
        module(x * torch.nan)
    with pytest.raises(ValueError, match="is 0.5; expected 0 or 1"):
        small(inputs="time")(x * 0.5)
    with pytest.raises(ValueError, match="output is 'spikes', but 'out' has none"):
        small(output="spikes")
    with pytest.raises(ValueError, match="output is 'spike'"):
        small(output="spike")
    with pytest.raises(ValueError, match="event solver has no steps"):
        small(solver="event")
    with pytest.raises(KeyError, match="no population 'no'"):
        small(population="no")
    out = module(x.requires_grad_())
    with pytest.raises(ValueError, match="is nan"):
        (out * torch.nan).sum().backward()
