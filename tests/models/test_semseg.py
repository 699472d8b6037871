"""mit_semseg's networks against its own builder, with random weights in checkpoints of the published layout."""

import sys
from pathlib import Path

import pytest
import torch
from random_semseg import halves, theirs

from photovst.errors import SettingsError, WeightsError
from photovst.models.ade20k_networks import NETWORKS, Ade20kNetwork
from photovst.models.checkpoints import ADE20K
from photovst.models.semseg import load_semseg, semseg

SMALLEST = NETWORKS["mobilenetv2dilated"]


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_every_network_is_mit_semsegs_own(network: Ade20kNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = theirs(network, monkeypatch)
    before = torch.get_rng_state()
    ours = semseg(network, *halves(oracle))
    assert torch.equal(torch.get_rng_state(), before)
    pictures = torch.randn(2, 3, 64, 96)
    probabilities = ours(pictures, (30, 46))
    with torch.no_grad():
        assert torch.equal(probabilities, oracle({"img_data": pictures}, segSize=(30, 46)))
    assert probabilities.shape == (2, 150, 30, 46)
    assert 0.02 < probabilities.amax(1).mean() < 0.98  # neither flat nor saturated: it tells
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 30, 46))
    assert ours.multiple == (8 if "deepsup" in network.decoder else 32)
    assert not ours.training
    assert not any(parameter.requires_grad for parameter in ours.parameters())


def test_checkpoints_become_the_network_they_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = theirs(SMALLEST, monkeypatch)
    checkpoints = ADE20K[SMALLEST.name]
    for checkpoint, state in zip(checkpoints, halves(oracle), strict=True):
        # The published ones are older than PyTorch's zip format.
        torch.save(state, tmp_path / checkpoint.file, _use_new_zipfile_serialization=False)
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path))
    ours, name = load_semseg(SMALLEST)
    pictures = torch.randn(1, 3, 40, 48)
    with torch.no_grad():
        assert torch.equal(ours(pictures, (20, 24)), oracle({"img_data": pictures}, segSize=(20, 24)))
    hashes = [(tmp_path / f"{checkpoint.file}.sha256").read_text()[:8] for checkpoint in checkpoints]
    assert name == f"mobilenetv2dilated {hashes[0]} {hashes[1]}"


def test_what_only_training_reads_may_be_there_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, decoder = halves(theirs(SMALLEST, monkeypatch))
    pictures = torch.randn(1, 3, 40, 48)
    whole = semseg(SMALLEST, encoder, decoder)(pictures, (5, 6))
    training = ("num_batches_tracked", "_tmp_running_mean", "_tmp_running_var", "_running_iter")
    bare = {name: tensor for name, tensor in encoder.items() if not name.endswith(training)}
    assert len(bare) < len(encoder)
    assert torch.equal(semseg(SMALLEST, bare, decoder)(pictures, (5, 6)), whole)


def test_weights_of_another_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, decoder = halves(theirs(SMALLEST, monkeypatch))
    with pytest.raises(WeightsError, match=r"not those of the encoder of resnet18dilated: .* \(\d+ tensors differ\)"):
        semseg(NETWORKS["resnet18dilated"], encoder, decoder)
    shorter = {name: tensor for name, tensor in decoder.items() if name != "conv_last.bias"}
    line = (
        r"^the weights are not those of the decoder of mobilenetv2dilated: conv_last\.bias is absent there and \(150,\)"
    )
    with pytest.raises(WeightsError, match=line + r" in the network \(1 tensors differ\); give the published ones$"):
        semseg(SMALLEST, encoder, shorter)
    longer = decoder | {"extra": torch.zeros(2)}
    with pytest.raises(WeightsError, match=r"extra is \(2,\) there and absent in the network"):
        semseg(SMALLEST, encoder, longer)


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mit_semseg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mit_semseg", None)
    with pytest.raises(SettingsError) as error:
        load_semseg(SMALLEST)
    assert str(error.value) == (
        "networks trained on ADE20K need the package mit_semseg, which is not installed;"
        " pip install --no-deps mit-semseg==1.0.0"
    )


def test_addresses_are_those_of_the_published_configs() -> None:
    # DIR and TEST.checkpoint of its config files; of resnet101dilated, what its users download.
    published = {
        "mobilenetv2dilated": "ade20k-mobilenetv2dilated-c1_deepsup 20",
        "resnet18dilated": "ade20k-resnet18dilated-ppm_deepsup 20",
        "resnet50dilated": "ade20k-resnet50dilated-ppm_deepsup 20",
        "resnet101dilated": "ade20k-resnet101dilated-ppm_deepsup 25",
        "resnet50_upernet": "ade20k-resnet50-upernet 30",
        "resnet101_upernet": "ade20k-resnet101-upernet 50",
        "hrnetv2": "ade20k-hrnetv2-c1 30",
    }
    assert ADE20K.keys() == NETWORKS.keys() == published.keys()
    for name, (encoder, decoder) in ADE20K.items():
        folder, epoch = published[name].split()
        base = f"http://sceneparsing.csail.mit.edu/model/pytorch/{folder}"
        assert (encoder.url, decoder.url) == (f"{base}/encoder_epoch_{epoch}.pth", f"{base}/decoder_epoch_{epoch}.pth")
        assert encoder.name == f"ade20k_{name}_encoder"
        assert decoder.file == f"{folder}-decoder_epoch_{epoch}.pth"
