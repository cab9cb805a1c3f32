"""The engines that peers.py times: a row and a small class each. They run float32, with the threads they are told.
An engine is made with (setup) in a worker process of its own, where the row's environment holds; run() is one batch,
output() the last answers. Inputs have the layout that the engine likes best before the clock starts.
SPDX-License-Identifier: Apache-2.0"""
import collections
import importlib.metadata

import numpy as np

# name: of the network; files: see export.paths; x: n x 3 x size x size; cpu: see binding.CPUS
Setup = collections.namedtuple("Setup", "name files x size threads cpu library")


class Fovea:
    def __init__(self, s):
        import binding
        self.lib = binding.open_library(s.library)
        self.x = np.ascontiguousarray(s.x.transpose(0, 2, 3, 1))
        self.y = np.empty((len(s.x), 1000), np.float32)
        self.plan = binding.Plan(self.lib, s.name, s.files["weights"], s.size, len(s.x), s.threads, s.cpu)

    def run(self):
        self.plan.run(len(self.x), self.x, self.y)

    def output(self):
        return self.y


class OnnxRuntime:
    def __init__(self, s):
        import onnxruntime
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = s.threads, 1
        o.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(s.files["onnx"], o, providers=["CPUExecutionProvider"])
        self.x = {self.session.get_inputs()[0].name: s.x}

    def run(self):
        (self.y,) = self.session.run(None, self.x)

    def output(self):
        return self.y


class OpenVino:
    """Its own default is bf16 where the CPU has it, and half of the threads where cores have two each."""

    def __init__(self, s):
        import openvino
        config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": s.threads, "NUM_STREAMS": 1,
                  "ENABLE_HYPER_THREADING": True, "PERFORMANCE_HINT": "LATENCY"}
        self.model = openvino.Core().compile_model(s.files["onnx"], "CPU", config)
        self.request = self.model.create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(s.x, shared_memory=True))

    def run(self):
        self.request.infer(share_outputs=True)

    def output(self):
        return self.request.get_output_tensor().data


class TorchEager:
    def __init__(self, s):
        import torch
        import zoo
        torch.set_num_threads(s.threads)
        self.mode, layout = torch.inference_mode, torch.channels_last
        self.net = zoo.load(s.name, s.files["weights"]).to(memory_format=layout)
        self.x = torch.from_numpy(s.x).to(memory_format=layout)

    def run(self):
        with self.mode():
            self.y = self.net(self.x)

    def output(self):
        return self.y.numpy()


class TorchCompiled(TorchEager):
    """Inductor with its CPU defaults and frozen weights; it needs a C++ compiler."""

    def __init__(self, s):
        super().__init__(s)
        import torch
        import torch._inductor.config
        torch._inductor.config.freezing = True
        self.mode = torch.no_grad  # freezing wants plain tensors
        self.net = torch.compile(self.net)


class Ncnn:
    """Takes a batch since 2026; the file is the one of batch 1. Its fp16 and bf16 storage is off, its Winograd on."""

    def __init__(self, s):
        import ncnn
        self.net = ncnn.Net()
        self.net.opt.num_threads = s.threads
        for shorter in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            setattr(self.net.opt, f"use_{shorter}", False)
        if self.net.load_param(s.files["param"]) or self.net.load_model(s.files["bin"]):
            raise ValueError("ncnn cannot read its files")
        self.x = ncnn.Mat(s.x, batch_index=0).clone()
        self.source, self.sink = self.net.input_names()[0], self.net.output_names()[0]

    def run(self):
        with self.net.create_extractor() as e:
            e.input(self.source, self.x)
            failed, self.y = e.extract(self.sink)
        if failed:
            raise ValueError("ncnn failed to run")

    def output(self):
        return self.y.numpy(batch_index=0)


def one_dnn(isa):
    return {"ONEDNN_MAX_CPU_ISA": {"avx2": "AVX2", "avx512": "AVX512_CORE"}[isa]}


def torch_caps(isa):
    """Its own loops, oneDNN's convolutions and MKL's products."""
    return {**one_dnn(isa), "ATEN_CPU_CAPABILITY": isa, "MKL_ENABLE_INSTRUCTIONS": isa.upper()}


# make; its package; imports: what it loads before its memory counts; usual: without --engines; cap: environment that
# holds it to an instruction set, None: it has no such switch (mask.py holds those, where it can)
Engine = collections.namedtuple("Engine", "title make package imports usual cap")
ENGINES = {
    "fovea": Engine("Fovea", Fovea, None, ["binding"], True, lambda isa: {}),
    "onnxruntime": Engine("ONNX Runtime", OnnxRuntime, "onnxruntime", ["onnxruntime"], True, None),
    "openvino": Engine("OpenVINO", OpenVino, "openvino", ["openvino"], True, one_dnn),
    "torch": Engine("PyTorch eager", TorchEager, "torch", ["zoo"], True, torch_caps),
    "torch_compile": Engine("PyTorch compiled", TorchCompiled, "torch", ["zoo", "torch._inductor"], False, torch_caps),
    "ncnn": Engine("ncnn", Ncnn, "ncnn", ["ncnn"], True, None),
}
ISAS = ["best", "avx2", "avx512"]


def version(name):
    package = ENGINES[name].package
    return importlib.metadata.version(package) if package else ""


def environment(name, threads, isa, mask):
    """OMP_NUM_THREADS is for PyTorch, and for the pools that libraries make unasked while they load; mask: see mask.py."""
    cap = ENGINES[name].cap
    return {"OMP_NUM_THREADS": str(threads), **(cap(isa) if cap and isa != "best" else {}),
            **({"LD_PRELOAD": mask} if mask else {})}
