"""The trainable network: the same equations as the reference, the right gradients, the right first weights."""

import numpy as np
import pytest
import torch

from nextchar.model.scoring import ScoresTargets, bits_per_id, log2_softmax
from nextchar.networks.architecture import Architecture
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.torch_network import LSTM, DeviceNetwork, Dropout, TorchNetwork, make_torch_network
from tests.devices import exact_products, on_devices

ARCHITECTURES = [
    Architecture(vocabulary_size=7, embedding=None, hidden=(5,)),
    Architecture(vocabulary_size=7, embedding=4, hidden=(6,)),
    Architecture(vocabulary_size=11, embedding=4, hidden=(8, 8)),
    Architecture(vocabulary_size=9, embedding=None, hidden=(6, 3, 5)),
]


def parameters_of(architecture: Architecture, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in architecture.parameter_shapes().items()
    }


@on_devices
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_torch_and_numpy_agree(architecture: Architecture, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exact_products(monkeypatch)
    parameters = parameters_of(architecture)
    ids = np.random.default_rng(1).integers(architecture.vocabulary_size, size=(3, 40))
    networks = [NumpyNetwork(architecture, parameters), TorchNetwork(LSTM(architecture, parameters).to(device))]
    (ours, our_state), (theirs, their_state) = (n.forward(ids, n.initial_state(3)) for n in networks)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for one, other in zip(our_state.hidden + our_state.cell, their_state.hidden + their_state.cell, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_parameters_come_back_as_they_went_in() -> None:
    parameters = parameters_of(ARCHITECTURES[2])
    exported = LSTM(ARCHITECTURES[2], parameters).export_parameters()
    assert list(exported) == list(ARCHITECTURES[2].parameter_shapes())
    for name, array in parameters.items():
        np.testing.assert_array_equal(exported[name], array)


@pytest.mark.parametrize("architecture", ARCHITECTURES[:3], ids=str)
def test_gradients_match_finite_differences(architecture: Architecture) -> None:
    """d loss / d parameter by central differences of the network in float64."""
    module = LSTM(architecture, parameters_of(architecture)).double()
    random = np.random.default_rng(2)
    ids = torch.from_numpy(random.integers(architecture.vocabulary_size, size=(6, 2)))
    targets = torch.from_numpy(random.integers(architecture.vocabulary_size, size=12))

    def loss() -> torch.Tensor:
        logits, _ = module(ids, module.initial_state(2))
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets)

    loss().backward()
    for name, tensor in module.tensors().items():
        assert tensor.grad is not None
        flat, gradient = tensor.data.view(-1), tensor.grad.view(-1)
        for index in random.choice(len(flat), size=min(8, len(flat)), replace=False):
            value, step = flat[index].item(), 1e-6
            with torch.no_grad():
                flat[index] = value + step
                above = loss().item()
                flat[index] = value - step
                below = loss().item()
                flat[index] = value
            assert gradient[index].item() == pytest.approx((above - below) / (2 * step), abs=1e-7), name


def test_the_second_bias_of_torch_is_not_trained() -> None:
    module = LSTM(ARCHITECTURES[1], parameters_of(ARCHITECTURES[1]))
    bias = module.layers[0].bias_hh_l0
    assert isinstance(bias, torch.Tensor)
    assert not bias.requires_grad
    assert not bias.any()


@on_devices
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_a_network_scores_on_its_device_as_its_logits_say(
    architecture: Architecture, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact_products(monkeypatch)
    module = LSTM(architecture, parameters_of(architecture)).to(device)
    assert isinstance(make_torch_network(module), ScoresTargets) == (device != "cpu")
    ids = np.random.default_rng(1).integers(architecture.vocabulary_size, size=4000)
    here, there = TorchNetwork(module), DeviceNetwork(module)
    logits, state = here.forward(ids[None, :40], here.initial_state(1))
    scores, same_state = there.score(ids[None, :40], ids[None, 1:41], there.initial_state(1))
    np.testing.assert_allclose(scores, log2_softmax(logits, ids[None, 1:41]), atol=1e-5)
    for one, other in zip(state.hidden + state.cell, same_state.hidden + same_state.cell, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert bits_per_id(there, ids, 0) == pytest.approx(bits_per_id(here, ids, 0), abs=1e-5)


@on_devices
def test_dropout_keeps_the_mean_and_its_own_stream(device: str) -> None:
    dropout = Dropout(0.0, 0.25, torch.Generator(device).manual_seed(0))
    ones = torch.ones(5, 40, 50, device=device)
    torch.manual_seed(1)
    dropped = dropout(ones, dropout.output_share)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    torch.manual_seed(2)
    again = Dropout(0.0, 0.25, torch.Generator(device).manual_seed(0))
    assert torch.equal(again(ones, 0.25), dropped)
    assert dropout(ones, dropout.input_share) is ones
