# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that Python's PyTorch writes, as pytorch-3dunet's trainer does, read by the library."""
import collections
import os
import pickle
import tempfile
import zipfile

import harness
import numpy as np
import torch

import tvx
import unet3d

torch.set_num_threads(1)
LIB = tvx.load()
DIRECTORY = tempfile.TemporaryDirectory()
PATH = os.path.join(DIRECTORY.name, "checkpoint.pytorch")


def network(arch, seed=1):
    torch.manual_seed(seed)
    return unet3d.randomise_norms(unet3d.UNet3d(arch), 2).eval()


def trainer_state(net):
    """The dict that pytorch-3dunet's trainer saves, with an optimiser that has made a step."""
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-4, weight_decay=1e-5)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    return {"num_epochs": 3, "num_iterations": 1 << 40, "model_state_dict": net.state_dict(),
            "best_eval_score": np.float64(.93), "optimizer_state_dict": optimiser.state_dict()}


def assert_same(model, net, pools=2):
    shape = (16, 16, 16)
    voxels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with torch.no_grad():
        expected = net((torch.from_numpy(voxels).float() - 100) / 50 + torch.zeros(1, 1, 1, 1, 1))[0].numpy()
    got = model.session().logits(voxels, mean=100, std=50)
    assert np.abs(got - expected).max() < 1e-4


def refused(status, word, call=None):
    try:
        (call or (lambda: LIB.import_checkpoint(PATH)))()
    except tvx.TeravoxError as error:
        assert tvx.STATUS[error.status] == status, error
        assert word in error.text, error
        assert PATH in error.text, error
        return
    raise AssertionError(f"accepted, expected {status}: {word}")


def test_trainers_checkpoints_are_recognised():
    t, r = dict(upsample=tvx.TRANSPOSED), dict(residual=1, upsample=tvx.TRANSPOSED3)
    for fields in (dict(levels=3, f_maps=16, order=tvx.GCR), dict(levels=2, f_maps=8, out_channels=4),
                   dict(levels=4, f_maps=8, order=tvx.GCR), dict(levels=3, f_maps=8, order=tvx.GCR, **r),
                   dict(levels=3, f_maps=8, **r), dict(levels=3, f_maps=8, **t),
                   dict(levels=3, f_maps=8, upsample=tvx.TRANSPOSED3)):
        arch = LIB.arch(**fields)
        net = network(arch)
        torch.save(trainer_state(net), PATH)
        model = LIB.import_checkpoint(PATH)
        assert bytes(model.arch) == bytes(arch), fields
        assert_same(model, net)


def test_pools_come_from_the_caller():
    pools = [(1, 2, 2), (2, 2, 2)]
    for fields in (dict(), dict(upsample=tvx.TRANSPOSED), dict(upsample=tvx.TRANSPOSED3, residual=1)):
        arch = LIB.arch(levels=3, f_maps=8, pools=dict(enumerate(pools)), **fields)
        net = network(arch)
        torch.save(net.state_dict(), PATH)
        model = LIB.import_checkpoint(PATH, pools)
        assert bytes(model.arch) == bytes(arch)
        assert_same(model, net)
    try:
        LIB.import_checkpoint(PATH, [(1, 2, 2), (2, 2, 5)])
        raise AssertionError("accepted a pool factor of 5")
    except tvx.TeravoxError as error:
        assert tvx.STATUS[error.status] == "BAD_ARGUMENT" and "pool" in error.text, error


def test_other_forms_of_the_same_weights():
    arch = LIB.arch(levels=2, f_maps=8)
    net = network(arch)
    state = net.state_dict()
    forms = {
        "DataParallel": collections.OrderedDict(("module." + k, v) for k, v in state.items()),
        "plain dict": dict(state),
        "state_dict key": {"state_dict": state, "epoch": 4, "note": None, "flags": (True, False, [1.5, -3, "x"])},
        "double": {k: v.double() if v.is_floating_point() else v for k, v in state.items()},
        "transposed memory": {k: v.transpose(0, -1).contiguous().transpose(0, -1) if v.dim() > 1 else v for k, v in state.items()},
        "views of one storage": views_of_one_storage(state),
    }
    for name, form in forms.items():
        torch.save(form, PATH)
        assert_same(LIB.import_checkpoint(PATH), net)
    for protocol in (2, 3, 4, 5):
        torch.save(trainer_state(network(arch)), PATH, pickle_protocol=protocol)
        LIB.import_checkpoint(PATH)


def views_of_one_storage(state):
    flat = torch.cat([v.reshape(-1) for v in state.values() if v.is_floating_point()])
    views, at = {}, 0
    for name, value in state.items():
        if value.is_floating_point():
            views[name] = flat[at:at + value.numel()].view(value.shape)
            at += value.numel()
        else:
            views[name] = value
    return views


def test_what_is_no_such_network_is_refused():
    arch = LIB.arch(levels=2, f_maps=8)
    state = network(arch).state_dict()

    def save(value, **options):
        torch.save(value, PATH, **options)

    save(state, _use_new_zipfile_serialization=False)
    refused("BAD_FORMAT", "old format")
    save(network(arch))
    refused("BAD_FORMAT", "state_dict()")
    save([1, 2])
    refused("BAD_FORMAT", "no dict")
    save({"a": 1})
    refused("MISMATCH", "no network")
    save({"weight": torch.zeros(3)})
    refused("MISMATCH", "final_conv.weight")
    save({k: v for k, v in state.items() if "decoders.0.basic_module.SingleConv2.conv" not in k})
    refused("MISMATCH", "decoders.0.basic_module.SingleConv2.conv.weight")
    save({**state, "se_module.weight": torch.zeros(1)})
    refused("MISMATCH", "se_module.weight")
    save({**state, "encoders.0.basic_module.SingleConv1.conv.weight": torch.zeros(4, 2, 3, 3, 3)})
    refused("MISMATCH", "2 channels")
    save({k.replace("batchnorm", "other"): v for k, v in state.items()})
    refused("MISMATCH", "cbr")
    save({**state, "encoders.0.basic_module.SingleConv1.batchnorm.weight": torch.zeros(1)})
    refused("MISMATCH", "before its convolutions")
    save({**state, "final_conv.weight": torch.zeros(8)})
    refused("MISMATCH", "final_conv.weight")
    save({**state, "final_conv.bias": torch.zeros(1, dtype=torch.complex64)})
    refused("BAD_FORMAT", "type")


class Stranger:
    """Would run a command when unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {PATH}.pwned",)


def test_nothing_in_a_file_is_executed():
    torch.save({"model_state_dict": {}, "evil": Stranger()}, PATH)
    refused("BAD_FORMAT", "system")
    assert not os.path.exists(PATH + ".pwned")
    torch.save({"evil": print}, PATH)
    refused("BAD_FORMAT", "print")


def rewrite(change):
    """Rewrites the checkpoint's zip record by record; change(name, bytes) -> bytes or None to drop it."""
    with zipfile.ZipFile(PATH) as old:
        records = [(i.filename, old.read(i)) for i in old.infolist()]
    with zipfile.ZipFile(PATH, "w", zipfile.ZIP_STORED) as new:
        for name, data in records:
            data = change(name.split("/", 1)[1], data)
            if data is not None:
                new.writestr(name, data)


def test_damaged_files_are_refused_and_never_crash():
    arch = LIB.arch(levels=2, f_maps=4)
    torch.save(network(arch).state_dict(), PATH)
    with open(PATH, "rb") as file:
        whole = file.read()
    for length in list(range(0, 400)) + list(range(400, len(whole), 997)) + [len(whole) - 1]:
        with open(PATH, "wb") as file:
            file.write(whole[:length])
        refused("BAD_FORMAT", "")

    def restore():
        with open(PATH, "wb") as file:
            file.write(whole)

    restore()
    rewrite(lambda name, data: None if name == "data/0" else data)
    refused("BAD_FORMAT", "data/0")
    restore()
    rewrite(lambda name, data: data[:-4] if name == "data/0" else data)
    refused("BAD_FORMAT", "wrong length")
    restore()
    rewrite(lambda name, data: None if name == "data.pkl" else data)
    refused("BAD_FORMAT", "data.pkl")
    restore()
    rewrite(lambda name, data: data)
    LIB.import_checkpoint(PATH)

    with zipfile.ZipFile(PATH) as archive:
        pickled = archive.read(next(n for n in archive.namelist() if n.endswith("data.pkl")))
    rng = np.random.default_rng(4)
    outcomes = collections.Counter()
    for attempt in range(600):
        damaged = bytearray(pickled[:rng.integers(1, len(pickled))] if attempt % 3 == 0 else pickled)
        for _ in range(attempt % 4):
            damaged[rng.integers(len(damaged))] = rng.integers(256)
        restore()
        rewrite(lambda name, data: bytes(damaged) if name == "data.pkl" else data)
        try:
            LIB.import_checkpoint(PATH)
            outcomes["OK"] += 1
        except tvx.TeravoxError as error:
            outcomes[tvx.STATUS[error.status]] += 1
    assert set(outcomes) <= {"OK", "BAD_FORMAT", "MISMATCH"}, outcomes
    assert outcomes["BAD_FORMAT"] > 100, outcomes


def test_lying_tensors_are_refused():
    arch = LIB.arch(levels=2, f_maps=4)
    torch.save(network(arch).state_dict(), PATH)
    name = "final_conv.bias"

    def forge(offset, sizes, strides, count=1):
        class Persistent(pickle.Pickler):
            def persistent_id(self, obj):
                return obj.value if isinstance(obj, Ref) else None

        class Ref:
            def __init__(self, value):
                self.value = value

        class Lie:
            def __reduce__(self):
                storage = Ref(("storage", torch.FloatStorage, "0", "cpu", count))
                return torch._utils._rebuild_tensor_v2, (storage, offset, sizes, strides, False, collections.OrderedDict())
        import io
        out = io.BytesIO()
        Persistent(out, protocol=2).dump({name: Lie()})
        rewrite(lambda record, data: out.getvalue() if record == "data.pkl" else data)

    big = (1 << 62)
    with zipfile.ZipFile(PATH) as archive:
        first = len(archive.read(next(n for n in archive.namelist() if n.endswith("data/0")))) // 4
    for lie in ((-1, (1,), (1,), first), (first, (1,), (1,), first), (0, (first + 1,), (1,), first),
                (0, (2,), (big,), first), (0, (first,), (0,), first * 2), (0, (2, 2), (big, big), big),
                (0, (-3,), (1,), first), (0, (1,), (-1,), first), (0, (first,) * 3, (0, 0, 0), first),
                (big, (1,), (1,), big + 5), (0, (1,), (1,), -5)):
        forge(*lie)
        refused("BAD_FORMAT", "")


if __name__ == "__main__":
    harness.main(globals())
